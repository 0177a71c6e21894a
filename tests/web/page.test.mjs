// What a visitor does with the page, and what must come of it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { root } from "../../scripts/support/run.mjs";
import { answerer, gibibytes, hashOf, startBrowser, verdictOf } from "./support/page.mjs";

const browser = await startBrowser();
const answerTo = await answerer();
test.after(browser.close);

const processOf = (estimate) => estimate.devices[0].processBytes.expected;
const text = (locator) => locator.textContent();

test("the first answer is on screen without a touch, and nothing fails on the way", async () => {
  const { page, seen, last, close } = await browser.open();
  const first = await last();
  assert.equal(first.ok, true);
  assert.match(await text(verdictOf(page)), new RegExp(`^Fits: ${gibibytes(processOf(first))} of `));
  assert.deepEqual(seen.errors, []);
  const origin = new URL(page.url()).origin;
  assert.deepEqual(seen.requests.filter((url) => !url.startsWith(origin)), []);
  await close();
});

test("the first answer needs no engine, and is the engine's; a change waits for one, and is told so where none comes", async () => {
  const { page, last, close } = await browser.open("", { settled: false, without: /\.wasm$/ });
  await page.locator(".verdict strong").first().waitFor();
  const answer = answerTo({ model: { id: "meta-llama/Llama-3.1-8B" }, hardware: { gpu: "nvidia/rtx-4090" }, task: "inference", questions: [] });
  assert.deepEqual(await last(), answer);
  assert.ok((await text(verdictOf(page))).includes(` ${gibibytes(processOf(answer))} of `));
  await page.getByLabel("Context, tokens").fill("8192");
  await page.getByText(/the calculator itself is not there yet/i).waitFor();
  await close();
});

test("a changed field changes the verdict to what the engine says, and only the fields of the chosen kind of work are there", async () => {
  const { page, last, close } = await browser.open();
  await page.getByLabel("Context, tokens").fill("32768");
  const model = { id: "meta-llama/Llama-3.1-8B" };
  const hardware = { gpu: "nvidia/rtx-4090" };
  const serving = answerTo({ model, hardware, inference: { contextTokens: 32768 } });
  assert.equal(processOf(await last()), processOf(serving));
  assert.ok((await text(verdictOf(page))).includes(` ${gibibytes(processOf(serving))} of `));
  assert.equal(await page.getByLabel("Optimizer", { exact: true }).count(), 0);

  await page.getByRole("radio", { name: "Training", exact: true }).check();
  await page.getByLabel("Optimizer", { exact: true }).selectOption("sgd");
  const training = answerTo({ model, hardware, task: "training", training: { optimizer: "sgd" } });
  assert.equal(processOf(await last()), processOf(training));
  assert.ok((await text(verdictOf(page))).includes(` ${gibibytes(processOf(training))} of `));
  assert.equal(await page.getByLabel("Context, tokens").count(), 0);

  await page.getByRole("radio", { name: "Inference", exact: true }).check();
  assert.equal(await page.getByLabel("Context, tokens").inputValue(), "32768", "what was typed is still there");
  await close();
});

test("options of a menu carry the difference they make", async () => {
  const { page, close } = await browser.open(hashOf({ model: { id: "meta-llama/Llama-3.1-8B" }, task: "training" }));
  const briefly = (training) => processOf(answerTo({ model: { id: "meta-llama/Llama-3.1-8B" }, task: "training", training, detail: "summary" }));
  const option = page.locator('#field-training-optimizer option[value="sgd"]');
  await page.waitForFunction((element) => /GiB/.test(element.textContent), await option.elementHandle());
  assert.ok((await text(option)).includes(`\u2212${gibibytes(briefly({}) - briefly({ optimizer: "sgd" }))}\u00a0GiB`));
  await close();
});

test("a change that would make it fit is offered, and a click makes it", async () => {
  const { page, last, close } = await browser.open(hashOf({ model: { id: "meta-llama/Llama-3.1-8B" }, task: "training", hardware: { gpu: "nvidia/a100-80gb" }, training: { sequenceTokens: 8192 } }));
  assert.equal((await last()).devices[0].fits, false);
  await page.locator(".ways button").filter({ hasText: "Checkpointing" }).click();
  assert.equal((await last()).devices[0].fits, true);
  assert.equal(await page.getByLabel("Checkpointing").inputValue(), "selective");
  await close();
});

test("a pasted config.json is the model, Python's NaN and a byte-order mark included", async () => {
  const { page, last, close } = await browser.open();
  await page.getByRole("radio", { name: "config.json", exact: true }).check();
  const { config } = JSON.parse(readFileSync(join(root, "core/catalog/models/Qwen/Qwen3-0.6B.json"), "utf8"));
  await page.locator("textarea").fill(`\uFEFF${JSON.stringify(config).replace("{", '{"unused": NaN, ')}`);
  assert.equal((await last()).parameters.total, answerTo({ model: { id: "Qwen/Qwen3-0.6B" } }).parameters.total);
  await close();
});

test("a config.json pasted anywhere on the page becomes the model", async () => {
  const { page, last, close } = await browser.open();
  const { config } = JSON.parse(readFileSync(join(root, "core/catalog/models/Qwen/Qwen3-0.6B.json"), "utf8"));
  await page.evaluate((content) => navigator.clipboard.writeText(content), JSON.stringify(config));
  await page.locator("#model-search").press("Control+V");
  await page.locator("textarea").waitFor();
  assert.equal((await last()).parameters.total, answerTo({ model: { id: "Qwen/Qwen3-0.6B" } }).parameters.total);
  await close();
});

test("a bare count of parameters is understood as people write it", async () => {
  const { page, last, close } = await browser.open();
  await page.getByRole("radio", { name: "Count", exact: true }).check();
  await page.locator("#model-parameters").fill("1.1B");
  assert.equal((await last()).parameters.total, 1.1e9);
  assert.equal(await page.getByLabel("Context, tokens").count(), 0, "length changes nothing for a bare count");
  await page.getByLabel("Weights", { exact: true }).selectOption("int4");
  assert.equal((await last()).devices[0].components[0].bytes, 0.55e9);
  await close();
});

test("wrong input stays as typed and is marked, and the last good answer stays, dimmed", async () => {
  const { page, last, close } = await browser.open();
  const good = await text(verdictOf(page));
  const field = page.getByLabel("Sequences");
  await field.fill("2.5");
  assert.equal((await last()).ok, false);
  assert.equal(await field.inputValue(), "2.5");
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  assert.notEqual(await text(page.locator("#field-inference-sequences-note")), "");
  assert.equal(await text(verdictOf(page)), good);
  assert.ok(Number(await verdictOf(page).evaluate((element) => getComputedStyle(element).opacity)) < 1);
  await field.fill("2");
  assert.equal((await last()).ok, true);
  assert.equal(await field.getAttribute("aria-invalid"), "false");
  await close();
});

test("a limit inside the band is never a plain yes or no, and without a limit there is none", async () => {
  const model = { id: "meta-llama/Llama-3.1-8B" };
  const { low, expected, high } = answerTo({ model, hardware: { memory: "24 GiB" } }).devices[0].processBytes;
  const cases = [
    [{ memory: high }, /^Fits: /],
    [{ memory: high - 1 }, /^Probably fits: /],
    [{ memory: expected - 1 }, /^Probably does not fit: /],
    [{ memory: low - 1 }, /^Does not fit: /],
    [undefined, /^Needs: [\d.]+\u00a0GiB; /],
  ];
  for (const [hardware, verdict] of cases) {
    const { page, close } = await browser.open(hashOf({ model, hardware }));
    assert.match(await text(verdictOf(page)), verdict);
    await close();
  }
});

test("a search shows the nearest model's answer at once, and a name that nothing reads like is marked and stays", async () => {
  const { page, last, close } = await browser.open();
  const search = page.locator("#model-search");
  await search.fill("smollm 135");
  let answer = await last();
  for (let tries = 0; tries < 50 && !answer.ok; tries++) {   // the catalog comes after the first answer
    await page.waitForTimeout(100);
    answer = await last();
  }
  assert.equal(answer.parameters.total, answerTo({ model: { id: "HuggingFaceTB/SmolLM-135M" } }).parameters.total);
  assert.equal(await search.inputValue(), "smollm 135");
  await search.fill("no such thing");
  assert.equal((await last()).issues[0].code, "unknown-model");
  await search.blur();
  assert.equal(await search.inputValue(), "no such thing");
  assert.equal(await search.getAttribute("aria-invalid"), "true");
  await close();
});

test("typing keeps focus and caret", async () => {
  const { page, close } = await browser.open();
  const field = page.getByLabel("Context, tokens");
  await field.fill("4096");
  await field.evaluate((input) => input.setSelectionRange(1, 1));
  await page.keyboard.type("00");
  assert.equal(await field.inputValue(), "400096");
  assert.deepEqual(await page.evaluate(() => [document.activeElement.id, document.activeElement.selectionStart]), ["field-inference-contextTokens", 3]);
  await close();
});

test("the switch from GiB to GB changes every figure, and is remembered", async () => {
  const { page, last, close } = await browser.open();
  const expected = processOf(await last());
  assert.match(await text(page.locator("main")), /GiB/);
  await page.getByRole("radio", { name: "GB", exact: true }).check();
  assert.ok((await text(verdictOf(page))).includes(` ${(expected / 1e9).toFixed(1)} of `));
  assert.doesNotMatch((await text(page.locator(".answer"))), /GiB/);
  await page.reload();
  assert.match(await text(verdictOf(page)), /GB/);
  await close();
});

test("a part opens to its formula, its source and its tensors, which add up to it", async () => {
  const { page, last, close } = await browser.open();
  await page.locator(".opener").first().click();
  const opened = page.locator(".opened").first();
  assert.match(await text(opened), /parameters × bytes of their format/);
  assert.match(await opened.locator("a").first().getAttribute("href"), /^https:/);
  await opened.getByRole("button").click();
  const shown = await opened.locator(".size").evaluateAll((cells) => cells.map((cell) => Number(cell.title.replace(/[^0-9]/g, ""))));
  const weights = (await last()).devices[0].components.find(({ id }) => id === "weights").bytes;
  assert.equal(shown.reduce((sum, bytes) => sum + bytes, 0), weights);
  await close();
});
