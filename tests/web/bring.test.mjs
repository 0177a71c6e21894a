// Whatever somebody has in hand: files, folders, links, texts.
import assert from "node:assert/strict";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { accessToken, startHub } from "../support/fake_hub.mjs";
import { safetensorsFile, smallConfig, smallGguf, smallShards } from "../support/model_files.mjs";
import { hashOf, offlineFile, startBrowser } from "./support/page.mjs";

const browser = await startBrowser();
const hub = await startHub();
const folder = mkdtempSync(join(tmpdir(), "gpumem-bring-"));
test.after(async () => {
  await browser.close();
  hub.close();
  rmSync(folder, { recursive: true });
});

const openPart = async (page) => {
  await page.locator(".folded > summary", { hasText: "From a file, a link or a text" }).click();
  await page.locator("#bring-text").waitFor();
};
const chooser = (page) => page.locator('.brought input[type="file"]').first();
const whenRead = (page) => page.locator(".brought [role=status]", { hasText: "Read:" }).waitFor();
const problem = (page, text) => page.locator("#bring-problem", { hasText: text }).waitFor();
const weightsOf = ({ devices }) => devices.reduce((sum, { components }) => sum + (components.find(({ id }) => id === "weights")?.bytes ?? 0), 0);
const upload = (name, content) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content)) });

test("a GGUF file of 40 GB is answered within a second, from its header alone", async () => {
  const { header, numbers } = smallGguf({ words: 128_000 });
  const path = join(folder, "large-Q8_0.gguf");
  const file = openSync(path, "w");
  writeSync(file, header);
  ftruncateSync(file, 40e9);
  closeSync(file);
  const { page, last, seen, close } = await browser.open();
  await openPart(page);
  const start = performance.now();
  await chooser(page).setInputFiles(path);
  await whenRead(page);
  const took = performance.now() - start;
  const answer = await last();
  assert.equal(answer.scenario.engine.name, "llama.cpp");
  // The norm is fp32, everything else Q8_0: 34 bytes for 32 numbers.
  assert.equal(answer.modelFile.tensorBytes, ((numbers - 256) / 32) * 34 + 256 * 4);
  assert.ok(took < 1000, `${took} ms`);
  assert.deepEqual(seen.errors, []);
  await page.getByRole("radio", { name: "Catalog", exact: true }).check();
  await page.waitForFunction(() => window.estimates.at(-1).scenario.model.id);
  await page.getByRole("radio", { name: "File", exact: true }).check();
  await page.waitForFunction(() => window.estimates.at(-1).scenario.model.gguf);
  await close();
});

for (const [where, address] of [["served", undefined], ["as one file", offlineFile]])
  test(`shards with their config.json are one model, ${where}`, async () => {
    const { files } = smallShards();
    const { page, last, seen, close } = await browser.open("", { address });
    await openPart(page);
    await chooser(page).setInputFiles([...Object.entries(files).map(([name, tensors]) => upload(name, safetensorsFile(tensors))), upload("config.json", smallConfig)]);
    await whenRead(page);
    const answer = await last();
    const numbers = Object.values(files).flatMap((tensors) => Object.values(tensors)).reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0);
    assert.equal(weightsOf(answer), 2 * numbers);
    assert.equal(answer.modelFile.tensorBytes, 2 * numbers);
    assert.deepEqual(seen.errors, []);
    await close();
  });

test("an id is asked for at the hub when Enter is pressed, and the token stays in the tab", async () => {
  const { page, last, seen, close } = await browser.open();
  await openPart(page);
  await page.locator(".brought details summary").click();
  await page.locator("#bring-mirror").fill(hub.address);
  await page.locator("#bring-text").fill("someone/gated");
  assert.ok(!seen.requests.some((url) => url.startsWith(hub.address)), "nothing is asked before");
  await page.locator("#bring-text").press("Enter");
  await problem(page, "gated");
  await page.locator("#bring-token").fill(accessToken);
  await page.getByRole("button", { name: "Read it" }).click();
  await whenRead(page);
  const answer = await last();
  assert.ok(answer.scenario.model.safetensors.header["model.embed_tokens.weight"]);
  assert.ok(answer.assumptions.some(({ id }) => id === "tensors-missing"), "the second shard is not there");
  await page.waitForFunction(() => location.hash !== "");
  const kept = await page.evaluate(() => JSON.stringify([location.href, { ...localStorage }, { ...sessionStorage }, window.estimates.at(-1)]));
  assert.ok(!kept.includes(accessToken));
  await close();
});

test("several files are a choice; what is wrong is said, and what was typed stays", async () => {
  const { page, last, close } = await browser.open();
  await openPart(page);
  await page.locator(".brought details summary").click();
  await page.locator("#bring-mirror").fill(hub.address);
  const ask = async (text) => {
    await page.locator("#bring-text").fill(text);
    await page.getByRole("button", { name: "Read it" }).click();
  };
  await ask("someone/small-GGUF");
  await page.getByRole("button", { name: "small-Q4_K_M.gguf" }).click();
  await whenRead(page);
  assert.equal((await last()).scenario.model.gguf.tensors[0].type, "Q4_K");
  for (const [text, said] of [["someone/missing", "no such model"], ["someone/limited", "in 30 seconds"], ["someone/page", "web page in place"], ["https://huggingface.co/datasets/a/b", "is no model"], ["nothing like it", "none of what is read"]]) {
    await ask(text);
    await problem(page, said);
    assert.equal(await page.locator("#bring-text").inputValue(), text);
  }
  await ask("someone/slow");
  await page.getByRole("button", { name: "Cancel" }).click();
  await problem(page, "Cancelled");
  assert.equal((await last()).scenario.model.gguf.tensors[0].type, "Q4_K");
  await close();
});

test("a training configuration that is dropped becomes the scenario, a damaged header is refused", async () => {
  const { page, last, close } = await browser.open(hashOf({ model: { id: "Qwen/Qwen3-4B" }, hardware: { memory: "24 GiB" } }));
  const drop = (name, content) => page.evaluate(([name, content]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([content], name));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  }, [name, content]);
  await drop("train.yml", "base_model: meta-llama/Llama-3.1-8B\nadapter: lora\nlora_r: 64\nlora_target_linear: true\nsequence_len: 1024\nmicro_batch_size: 4\nbf16: true\nfsdp: [full_shard]\n");
  await whenRead(page);
  const { scenario } = await last();
  assert.deepEqual([scenario.model.id, scenario.task, scenario.training.lora.rank, scenario.training.microBatch, scenario.weights], ["meta-llama/Llama-3.1-8B", "training", 64, 4, "bf16"]);
  assert.equal(scenario.hardware.memory, 24 * 2 ** 30, "the card stays");
  await page.getByText("Not counted: fsdp.").waitFor();
  await drop("model.gguf", "GGUF then nothing");
  await problem(page, "cut off");
  assert.equal((await last()).scenario.model.id, "meta-llama/Llama-3.1-8B");
  await close();
});

test("the one file makes no request, and says so", async () => {
  const { page, seen, close } = await browser.open("", { address: offlineFile });
  await openPart(page);
  await page.locator("#bring-text").fill("someone/sharded");
  await page.locator("#bring-text").press("Enter");
  await problem(page, "makes no requests");
  assert.deepEqual(seen.requests.filter((url) => url.startsWith("http")), []);
  await close();
});

test("charts and tables are saved as files, and paper has one page", async () => {
  const { page, close } = await browser.open(hashOf({ model: { id: "meta-llama/Llama-3.1-8B" }, task: "training", hardware: { memory: "24 GiB" } }));
  const saved = async (name) => {
    await page.locator(".export").evaluate((menu) => menu.setAttribute("open", ""));
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
    const path = join(folder, download.suggestedFilename());
    await download.saveAs(path);
    return readFileSync(path);
  };
  const svg = (await saved("Save charts as SVG")).toString();
  assert.match(svg, /^<svg [^>]*><title>meta-llama\/Llama-3.1-8B/);
  assert.match(svg, /fill="#0072b2"/);
  assert.equal((await saved("Save charts as PNG")).subarray(1, 4).toString(), "PNG");
  assert.match((await saved("Save tables as CSV")).toString(), /,weights,16060522496\r\n/);
  assert.equal(JSON.parse(await saved("Save answer as JSON")).ok, true);
  await page.locator(".printed").waitFor({ state: "attached" });
  const paper = (await page.pdf({ preferCSSPageSize: true })).toString("latin1");
  assert.equal(paper.match(/\/Type\s*\/Page\b/g).length, 1);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator(".inputs").isVisible(), false);
  assert.equal(await page.locator(".printed h1").isVisible(), true);
  await close();
});
