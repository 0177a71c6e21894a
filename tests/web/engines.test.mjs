// The fields of each engine, the names of its figures, and devices side by side.
import assert from "node:assert/strict";
import test from "node:test";
import { answerer, hashOf, startBrowser, verdictOf } from "./support/page.mjs";

const browser = await startBrowser();
const answerTo = await answerer();
test.after(browser.close);

const model = { id: "meta-llama/Llama-3.1-8B" };
const hardware = { memory: "80 GiB" };
const flux = { model: { id: "black-forest-labs/FLUX.1-dev" }, hardware };
const expectedOf = ({ devices }) => devices.map(({ processBytes }) => processBytes.expected);

/** What is filled into the fields of an engine, and the scenario that it makes. */
const cases = [
  [{ model, hardware, engine: { name: "vllm" } }, { "Memory share": "0.8", Longest: "8192", "Most requests": "64", "Pass, tokens": "4096", GPUs: "2" }, { engine: { name: "vllm", options: { max_model_len: 8192, max_num_seqs: 64 } }, inference: { memoryFraction: 0.8, prefillTokens: 4096 }, parallel: { tensor: 2 } }],
  [{ model, hardware, engine: { name: "sglang" } }, { "Memory share": "0.7", "Pass, tokens": "2048", GPUs: "2" }, { engine: { name: "sglang" }, inference: { memoryFraction: 0.7, prefillTokens: 2048 }, parallel: { tensor: 2 } }],
  [{ model, hardware, engine: { name: "tensorrt-llm" } }, { "Memory share": "0.5" }, { engine: { name: "tensorrt-llm" }, inference: { memoryFraction: 0.5 } }],
  [{ model, hardware, weights: "Q4_K_M", engine: { name: "llama.cpp" } }, { "Layers on GPU": "20", GPUs: "2", Shares: "3, 1" }, { weights: "Q4_K_M", engine: { name: "llama.cpp", options: { n_gpu_layers: 20, tensor_split: [3, 1] } }, parallel: { pipeline: 2 } }],
  [flux, { Width: "512", Height: "768", Batch: "2" }, { inference: { width: 512, height: 768, sequences: 2 } }],
];
for (const [start, filled, made] of cases) {
  test(`fields of ${start.engine?.name ?? "diffusers"} make the scenario that says the same, and its link brings them back`, async () => {
    const { page, last, close } = await browser.open(hashOf(start));
    for (const [label, value] of Object.entries(filled)) await page.getByLabel(label, { exact: true }).fill(value);
    const expected = expectedOf(answerTo({ ...start, ...made }));
    assert.deepEqual(expectedOf(await last()), expected);
    await close();
    const again = await browser.open(hashOf({ ...start, ...made }));
    assert.deepEqual(expectedOf(await again.last()), expected);
    for (const [label, value] of Object.entries(filled)) assert.equal(await again.page.getByLabel(label, { exact: true }).inputValue(), value, label);
    await again.close();
  });
}

test("only fields that can change the answer are there", async () => {
  const labels = async (scenario) => {
    const { page, close } = await browser.open(hashOf(scenario));
    await page.locator(".details").waitFor();
    const all = await page.locator(".inputs .field > label").allTextContents();
    await close();
    return all;
  };
  const [plain, served, pipeline, training] = await Promise.all([{ model, hardware }, { model, hardware, engine: { name: "vllm" } }, flux, { model, hardware, task: "training" }].map(labels));
  for (const label of ["Memory share", "Layers on GPU", "Width", "GPUs"]) assert.ok(!plain.includes(label), label);
  for (const label of ["Prompt, tokens", "Layers on GPU", "Attention"]) assert.ok(!served.includes(label), label);
  for (const label of ["Engine", "Context, tokens", "KV cache in", "Frames"]) assert.ok(!pipeline.includes(label), label);
  for (const label of ["GPUs", "Memory share"]) assert.ok(!training.includes(label), label);
  assert.ok(plain.includes("Engine") && served.includes("GPUs") && pipeline.includes("Tiled decoding"));
});

test("formats of keys and of values may differ under llama.cpp", async () => {
  const scenario = { model, hardware, weights: "Q4_K_M", inference: { kvFormat: { key: "q8_0", value: "q4_0" } } };
  const { page, last, close } = await browser.open(hashOf(scenario));
  assert.deepEqual(expectedOf(await last()), expectedOf(answerTo(scenario)));
  await page.getByText("More settings").click();
  await page.getByLabel("Values in", { exact: true }).selectOption("fp16");
  assert.deepEqual(expectedOf(await last()), expectedOf(answerTo({ ...scenario, inference: { kvFormat: { key: "q8_0", value: "fp16" } } })));
  await close();
});

test("each device has a bar and a table, and the figures the names that the log gives them", async () => {
  const scenario = { model, hardware: { memory: "8 GiB" }, weights: "Q4_K_M", engine: { name: "llama.cpp", options: { n_gpu_layers: 30 } }, parallel: { pipeline: 2 } };
  const { page, close } = await browser.open(hashOf(scenario));
  assert.match(await verdictOf(page).textContent(), / on GPU [01]/);
  await page.locator(".devices").waitFor();
  const names = await page.locator(".devices h3").allTextContents();
  assert.deepEqual(names.sort(), ["GPU 0", "GPU 1", "main memory"]);
  assert.equal(await page.locator(".devices figure.bar").count(), 3);
  assert.equal(await page.locator(".devices .breakdown table").count(), 3);
  assert.match(await page.locator(".devices").textContent(), /KV buffer size/);
  assert.doesNotMatch(await page.locator("main").textContent(), /torch\.cuda/);
  await close();
});

test("an engine that takes a pool says what would do, and what the pool is worth", async () => {
  const scenario = { model, hardware, engine: { name: "vllm" }, parallel: { tensor: 2 } };
  const { page, close } = await browser.open(hashOf(scenario));
  const { kvCache } = answerTo(scenario);
  assert.match(await verdictOf(page).textContent(), / on each of 2 GPUs, .* would do; the pool holds /);
  assert.ok((await verdictOf(page).textContent()).replaceAll(",", "").includes(String(kvCache.tokensThatFit)));
  await page.locator(".details").waitFor();
  assert.doesNotMatch(await page.locator(".details").textContent(), /torch\.cuda/);
  await close();
});

test("before the first answer a menu says that the default is taken", async () => {
  const { page, close } = await browser.open(hashOf({ model: { id: "meta-llama/Llama-3.1-8B" }, inference: { sequences: -3 } }));
  await page.getByText("Must be from 1 to").waitFor();
  for (const menu of ["Engine", "Weights"]) {
    const shown = await page.getByLabel(menu, { exact: true }).evaluate((select) => select.selectedOptions[0].textContent);
    assert.equal(shown, "the default", menu);
  }
  await close();
});

test("vLLM's stages and a draft model are fields, too", async () => {
  const scenario = { model, hardware, engine: { name: "vllm" } };
  const { page, last, close } = await browser.open(hashOf(scenario));
  await page.getByLabel("Pipeline stages").fill("2");
  assert.deepEqual(expectedOf(await last()), expectedOf(answerTo({ ...scenario, parallel: { pipeline: 2 } })));
  await page.getByLabel("Pipeline stages").fill("");
  await page.getByText("More settings").click();
  await page.getByLabel("Draft model").fill("llama 3.2 1b");
  await page.waitForFunction((id) => window.estimates.at(-1).scenario?.inference.draft?.id === id, "meta-llama/Llama-3.2-1B");
  assert.deepEqual(expectedOf(await last()), expectedOf(answerTo({ ...scenario, inference: { draft: { id: "meta-llama/Llama-3.2-1B" } } })));
  await close();
});
