// Parts that are opened: their code comes then, and works in the page that is one file, too.
import assert from "node:assert/strict";
import test from "node:test";
import { answerer, gibibytes, hashOf, offlineFile, startBrowser, verdictOf } from "./support/page.mjs";

const browser = await startBrowser();
const answerTo = await answerer();
test.after(browser.close);

const model = { id: "meta-llama/Llama-3.1-8B" };
const vllm = { model, engine: { name: "vllm" }, hardware: { memory: "80 GiB" } };
const training = { model, task: "training", training: { method: "lora", checkpointing: "full" }, hardware: { memory: "24 GiB" } };
const open = (page, title) => page.locator(".folded > summary", { hasText: title }).click();
const part = (page, title) => page.locator(".folded", { hasText: title });
const log = `(EngineCore pid=258) INFO gpu_model_runner.py:4879 Model loading took 2.89 GiB memory and 60.297843 seconds
(EngineCore pid=258) INFO kv_cache_utils.py:1708 GPU KV cache size: 20,992 tokens`;

for (const [where, address] of [["served", undefined], ["as one file", offlineFile]]) {
  test(`a log is compared line by line, ${where}`, async () => {
    const { page, seen, close } = await browser.open(hashOf(vllm), { address });
    await open(page, "Compare with your log");
    await page.locator("#log-text").fill(`<img src=x onerror=alert(1)>\n${log}`);
    const { devices, kvCache } = answerTo(vllm);
    const { bytes } = devices[0].components.find(({ id }) => id === "weights");
    const rows = await page.locator(".log tbody tr").allTextContents();
    assert.equal(rows.length, 2);
    assert.ok(rows[0].includes(`2.89\u00a0GiB${gibibytes(bytes, 2)}\u00a0GiB`), rows[0]);
    assert.ok(rows[1].replaceAll(",", "").includes(`20992${kvCache.tokensThatFit}+`), rows[1]);
    await page.locator("#log-text").fill("nothing of the kind");
    await page.locator(".log code").first().waitFor();
    assert.deepEqual(seen.errors, []);
    await close();
  });
}

test("a log of another engine offers to calculate for that one", async () => {
  const { page, last, close } = await browser.open(hashOf({ model, hardware: { memory: "80 GiB" } }));
  await open(page, "Compare with your log");
  await page.locator("#log-text").fill(log);
  await page.getByRole("button", { name: "Calculate for vLLM" }).click();
  await page.locator(".log tbody tr").first().waitFor();
  assert.equal((await last()).scenario.engine.name, "vllm");
  await close();
});

test("the command on screen is copied, and a pasted one becomes the scenario", async () => {
  const { page, last, close } = await browser.open(hashOf({ ...vllm, inference: { contextTokens: 8192 }, parallel: { tensor: 2 } }));
  await open(page, "Command");
  const shown = await page.locator(".command pre").textContent();
  assert.equal(shown, "vllm serve meta-llama/Llama-3.1-8B --max-model-len 8192 --tensor-parallel-size 2");
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await page.getByText("Copied").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), shown);
  await page.locator("#command-text").fill("llama-server -m Qwen3-4B-Q8_0.gguf -c 16384 -np 2");
  await page.getByRole("button", { name: "Use it" }).click();
  await page.getByText("The scenario above is now this command's.").waitFor();
  const { scenario } = await last();
  assert.deepEqual([scenario.model.id, scenario.weights, scenario.engine.name, scenario.inference.sequences, scenario.inference.contextTokens], ["Qwen/Qwen3-4B", "Q8_0", "llama.cpp", 2, 8192]);
  assert.ok(scenario.hardware.memory > 0, "the card stays");
  await page.locator("#command-text").fill("ls");
  await page.getByRole("button", { name: "Use it" }).click();
  await page.locator(".command [role=alert]").waitFor();
  await close();
});

test("the ladder has the engine's figure for every method, and a click takes it over", async () => {
  const { page, last, close } = await browser.open(hashOf(training));
  await open(page, "Ladder of methods");
  const rung = page.locator(".ladder tbody tr", { hasText: "QLoRA" }).locator("button").nth(1);
  const expected = answerTo({ ...training, training: { ...training.training, method: "qlora", crossEntropy: "full", optimizer: "adamw" } }).devices[0].processBytes.expected;
  assert.ok((await rung.textContent()).startsWith(`${gibibytes(expected)}\u00a0GiB`));
  await rung.click();
  assert.equal((await last()).devices[0].processBytes.expected, expected);
  await page.locator(".ladder [aria-current]").waitFor();
  await close();
  const serving = await browser.open(hashOf(vllm));
  await verdictOf(serving.page).waitFor();
  assert.equal(await part(serving.page, "Ladder").count(), 0);
  await serving.close();
});

test("c puts what is on screen aside, and what differs then is marked", async () => {
  const { page, close } = await browser.open(hashOf(training));
  await page.locator("summary", { hasText: "Embed this" }).waitFor();
  await page.keyboard.press("c");
  await page.getByRole("radio", { name: /^QLoRA/ }).check();
  const marked = page.locator(".compare tr.differs");
  await page.locator(".compare tr.differs", { hasText: "Method" }).waitFor();
  assert.match((await marked.allTextContents()).join("\n"), /The whole process/);
  assert.equal(await page.locator(".compare thead th").count(), 3);
  await page.keyboard.press("c");
  assert.equal(await page.locator(".compare thead th").count(), 3, "the one on screen is not put aside twice");
  await page.getByRole("button", { name: "Bring back: Aside 1" }).click();
  assert.equal(await page.getByRole("radio", { name: /^LoRA/ }).isChecked(), true);
  for (const number of [2, 1]) await page.getByRole("button", { name: `Remove: Aside ${number}` }).click();
  await page.getByText("Nothing is put aside yet.").waitFor();
  await close();
});

test("no code of a part is asked for before it is opened", async () => {
  const { page, seen, close } = await browser.open(hashOf(vllm));
  await page.locator("summary", { hasText: "Embed this" }).waitFor();
  assert.deepEqual(seen.requests.filter((url) => /LogCompare|Command|Compare|Ladder/.test(url)), []);
  await open(page, "Command");
  await page.locator(".command pre").waitFor();
  assert.ok(seen.requests.some((url) => /Command-[\w-]+\.js/.test(url)));
  await close();
});

test("training is written for the tool that is chosen, and its file is read back", async () => {
  const { page, last, close } = await browser.open(hashOf(training));
  await open(page, "Command");
  await page.getByRole("combobox", { name: "Written for" }).selectOption("axolotl");
  const shown = await page.locator(".command pre").textContent();
  assert.match(shown, /^base_model: meta-llama\/Llama-3.1-8B\nadapter: lora$/m);
  await page.locator("#command-text").fill(shown.replace("lora_r: 16", "lora_r: 64"));
  await page.getByRole("button", { name: "Use it" }).click();
  await page.getByText("The scenario above is now this command's.").waitFor();
  assert.equal((await last()).scenario.training.lora.rank, 64);
  await close();
});
