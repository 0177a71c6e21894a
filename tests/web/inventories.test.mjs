// Models of types that the engine has an inventory for, and no program; and the formats that weights come in.
import assert from "node:assert/strict";
import test from "node:test";
import { answerer, hashOf, offlineFile, startBrowser, verdictOf } from "./support/page.mjs";

const browser = await startBrowser();
const answerTo = await answerer();
test.after(browser.close);

const hardware = { gpu: "nvidia/rtx-4090" };
const llava = { model: { id: "llava-hf/llava-1.5-7b-hf" }, hardware };
const processOf = (estimate) => estimate.devices[0].processBytes.expected;
const inventoriesAmong = (requests) => requests.filter((url) => url.includes("/architectures")).map((url) => url.split("/").at(-1).replace(/\.list-.*/, ""));

test("a model without a program is counted from its inventory, of which only what it needs is fetched", async () => {
  const { page, seen, last, close } = await browser.open(hashOf(llava));
  assert.equal(processOf(await last()), processOf(answerTo(llava)));
  assert.match(await verdictOf(page).textContent(), /^Takes at least: /);
  await page.getByText("The weights are exact, tensor by tensor").first().waitFor();
  assert.equal(await page.locator(".uncounted, .verdict .quiet").count(), 0);
  assert.deepEqual(inventoriesAmong(seen.requests).sort(), ["architectures", "clip_vision_model.json", "llama.json", "llava.json"]);
  assert.deepEqual(await page.evaluate(() => window.estimates.filter(({ ok }) => !ok)), [], "it was not called unknown first");
  assert.deepEqual(seen.errors, []);
  await close();
});

test("a part of a pipeline that reads prompts gets its inventory, too", async () => {
  const pipeline = { model: { id: "Qwen/Qwen-Image" }, task: "inference", hardware };
  const { seen, last, close } = await browser.open(hashOf(pipeline));
  assert.equal(processOf(await last()), processOf(answerTo(pipeline)));
  assert.ok(inventoriesAmong(seen.requests).includes("qwen2_5_vl.json"));
  assert.deepEqual(seen.errors, []);
  await close();
});

test("a pasted configuration is, too, and another type after it", async () => {
  const { page, last, close } = await browser.open();
  await page.getByRole("radio", { name: "config.json", exact: true }).check();
  for (const type of ["whisper", "t5", "whisper", "blip-2"]) {
    const config = { model_type: type };
    await page.locator("textarea").fill(JSON.stringify(config));
    const expected = answerTo({ model: { config }, hardware });
    await page.waitForFunction((total) => window.estimates.at(-1).parameters?.total === total, expected.parameters.total);
    assert.equal(processOf(await last()), processOf(expected), type);
  }
  await close();
});

test("no address is guessed for a type that is not listed, and a type with a program asks for nothing", async () => {
  const unknown = await browser.open(hashOf({ model: { config: { model_type: "../abacus" } } }));
  await unknown.page.getByText("are not counted yet").waitFor();
  assert.deepEqual(inventoriesAmong(unknown.seen.requests), ["architectures"]);
  await unknown.close();
  const known = await browser.open(hashOf({ model: { id: "Qwen/Qwen3-4B" } }));
  await verdictOf(known.page).getByText("GiB").first().waitFor();
  assert.deepEqual(inventoriesAmong(known.seen.requests), []);
  await known.close();
});

test("an inventory that does not arrive leaves the sentence about the kind of model", async () => {
  const { page, close } = await browser.open();
  await page.route("**/architectures*", (route) => route.abort());
  await page.getByRole("radio", { name: "config.json", exact: true }).check();
  await page.locator("textarea").fill('{"model_type": "detr"}');
  await page.getByText("Models of the kind detr are not counted yet.").waitFor();
  await close();
});

test("the single file has the inventories inside", async () => {
  const { seen, last, close } = await browser.open(hashOf(llava), { address: offlineFile });
  assert.equal(processOf(await last()), processOf(answerTo(llava)));
  assert.deepEqual(seen.requests.filter((url) => url.split("#")[0] !== offlineFile && !url.startsWith("data:image/")), []);
  assert.deepEqual(seen.errors, []);
  await close();
});

test("formats of weights are grouped, and a GGUF type brings llama.cpp with its formats of the cache", async () => {
  const model = { id: "meta-llama/Llama-3.1-8B" };
  const { page, last, close } = await browser.open(hashOf({ model, hardware }));
  const weights = page.getByLabel("Weights", { exact: true });
  const groups = await weights.locator("optgroup").evaluateAll((all) => all.map((group) => [group.label, group.children.length]));
  assert.deepEqual(groups.map(([label]) => label), ["16 and 32 bits", "8 bits", "4 bits", "GGUF files (llama.cpp)"]);
  assert.ok(groups.every(([, count]) => count > 2), JSON.stringify(groups));
  assert.equal(await page.getByLabel("KV cache in").count(), 0);
  await weights.selectOption("Q4_K_M");
  assert.equal((await last()).scenario.engine.name, "llama.cpp");
  await page.getByLabel("KV cache in").selectOption("q8_0");
  assert.equal(processOf(await last()), processOf(answerTo({ model, hardware, weights: "Q4_K_M", inference: { kvFormat: "q8_0" } })));
  await weights.selectOption("bf16");
  assert.equal(processOf(await last()), processOf(answerTo({ model, hardware, weights: "bf16" })));
  await close();
});

test("an engine that a link names is kept, and one that is not computed is marked", async () => {
  const scenario = { model: { id: "meta-llama/Llama-3.1-8B" }, weights: "fp16", engine: { name: "llama.cpp", options: { kv_unified: true } }, inference: { sequences: 2 }, hardware };
  const { page, last, close } = await browser.open(hashOf(scenario));
  assert.equal(processOf(await last()), processOf(answerTo(scenario)));
  assert.equal(await page.getByLabel("KV cache in").count(), 1);
  await close();
  const wrong = await browser.open(hashOf({ ...scenario, engine: { name: "abacus" } }));
  assert.equal(await wrong.page.getByLabel("Engine").getAttribute("aria-invalid"), "true");
  await wrong.close();
});
