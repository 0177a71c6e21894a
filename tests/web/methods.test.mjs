// Fine-tuning with adapters, cards, examples, and models that the engine does not count.
import assert from "node:assert/strict";
import test from "node:test";
import { answerer, gibibytes, hashOf, startBrowser, verdictOf } from "./support/page.mjs";

const browser = await startBrowser();
const answerTo = await answerer();
test.after(browser.close);

const model = { id: "meta-llama/Llama-3.1-8B" };
const hardware = { gpu: "nvidia/rtx-4090" };
const processOf = (estimate) => estimate.devices[0].processBytes.expected;
const methodOf = (page) => page.getByRole("group", { name: "Method" });

test("each method says what it would change, and choosing it does that", async () => {
  const { page, last, close } = await browser.open(hashOf({ model, hardware, task: "training" }));
  const briefly = (training) => processOf(answerTo({ model, hardware, task: "training", training, detail: "summary" }));
  for (const [method, name] of [["lora", "LoRA"], ["qlora", "QLoRA"], ["dora", "DoRA"]]) {
    const expected = processOf(answerTo({ model, hardware, task: "training", training: { method } }));
    await methodOf(page).getByText(`\u2212${gibibytes(briefly({}) - briefly({ method }))}\u00a0GiB`).first().waitFor();
    await methodOf(page).getByRole("radio", { name: new RegExp(`^${name}\\b`) }).check();
    assert.equal(processOf(await last()), expected);
    await methodOf(page).getByRole("radio", { name: /^Full/ }).check();
  }
  await close();
});

test("rank, modules and dropout are there for adapters only, and reach the engine", async () => {
  const { page, last, close } = await browser.open(hashOf({ model, hardware, task: "training" }));
  assert.equal(await page.getByLabel("Rank").count(), 0);
  await methodOf(page).getByRole("radio", { name: /^QLoRA/ }).check();
  await page.getByLabel("Rank").fill("64");
  await page.getByLabel("Adapters on").selectOption("all-linear");
  await page.getByText("More settings").click();
  await page.getByLabel("Adapter dropout").fill("0.05");
  await page.getByLabel("Cross entropy").selectOption("chunked");
  const training = { method: "qlora", lora: { rank: 64, targets: ["all-linear"], dropout: 0.05 }, crossEntropy: "chunked" };
  assert.equal(processOf(await last()), processOf(answerTo({ model, hardware, task: "training", training })));
  await page.getByLabel("Adapters on").selectOption("other");
  await page.getByLabel("Modules").fill("o_proj, up_proj down_proj");
  assert.deepEqual((await last()).scenario.training.lora.targets, ["o_proj", "up_proj", "down_proj"]);
  await page.getByLabel("Modules").fill("nothing");
  assert.match(await page.locator("#field-lora-names-note").textContent(), /nothing would be trained/);
  await close();
});

test("an address brings adapters back, and keeps what no field shows", async () => {
  const scenarios = [
    { method: "lora", lora: { targets: ["q_proj", "v_proj"] } },
    { method: "dora", lora: { rank: 8, targets: ["k_proj"], dropout: 0.1, format: "bf16", modulesToSave: ["lm_head"] } },
    { method: "qlora", lora: { targets: ["all-linear"] }, crossEntropy: "chunked" },
  ];
  for (const training of scenarios) {
    const scenario = { model, hardware, task: "training", training };
    const { page, last, close } = await browser.open(hashOf(scenario));
    assert.equal(processOf(await last()), processOf(answerTo(scenario)));
    await page.getByLabel("Micro-batch").fill("2");
    await page.waitForFunction(() => location.hash.includes("microBatch"));
    const written = await page.evaluate(() => JSON.parse(decodeURIComponent(location.hash.slice("#scenario=".length))));
    assert.deepEqual(written.training, { ...training, microBatch: 2 });
    await close();
  }
});

test("a method that is not computed, or one that contradicts the weights, is marked", async () => {
  for (const scenario of [{ training: { method: "prefix" } }, { weights: "bf16", training: { method: "qlora" } }]) {
    const { page, last, close } = await browser.open(hashOf({ model, hardware, task: "training", ...scenario }));
    assert.equal((await last()).ok, false);
    assert.match(await page.locator(".method [role=alert]").textContent(), /prefix|nf4-dq/);
    await close();
  }
});

test("a card is found by its name, and shows its answer while it is marked", async () => {
  const { page, last, close } = await browser.open();
  const field = page.locator("#hardware-gpu");
  assert.equal(await field.inputValue(), "GeForce RTX 4090");
  await field.fill("h100 sxm");
  assert.equal((await last()).scenario.hardware.gpu, "nvidia/h100-sxm-80gb");
  await field.press("Enter");
  assert.equal(await field.inputValue(), "H100 SXM 80GB");
  await field.fill("abacus");
  assert.equal((await last()).issues[0].code, "unknown-gpu");
  await field.blur();
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  await close();
});

test("cards offered where nothing else is enough are of the same maker, and no laptops", async () => {
  const { page, close } = await browser.open(hashOf({ model: { id: "meta-llama/Llama-3.1-70B" }, hardware }));
  await page.getByText("Would fit with").waitFor();
  const card = page.locator(".ways button").last();
  await card.waitFor();
  assert.match(await card.textContent(), /^[ABGHR]\w+/);
  assert.doesNotMatch(await card.textContent(), /Laptop|Jetson|Apple|TPU/);
  await close();
});

test("an example fills the form, and what was typed before is gone", async () => {
  const { page, last, close } = await browser.open();
  await page.getByLabel("Context, tokens").fill("77");
  await page.getByRole("button", { name: "8B QLoRA on 24 GB" }).click();
  const { scenario, devices } = await last();
  assert.deepEqual([scenario.training.method, scenario.model.id, devices[0].fits], ["qlora", model.id, true]);
  for (const name of ["32B LoRA on 80 GB", "Full fine-tune of 1B", "Serve 70B on a B200"]) {
    await page.getByRole("button", { name }).click();
    assert.equal((await last()).devices?.[0].fits, true, name);
  }
  assert.equal(await page.getByLabel("Context, tokens").inputValue(), "8192");
  await close();
});

test("a model whose architecture is not counted says so, and goes on with its number of parameters in one click", async () => {
  const id = "MiniMaxAI/MiniMax-M1-80k";
  const { page, seen, last, close } = await browser.open(hashOf({ model: { id }, hardware }));
  await page.getByText("Models of the kind minimax_m1 are not counted yet.").waitFor();
  assert.match(await page.locator(".uncounted").textContent(), /456 billion parameters in bf16, take 849\.5\u00a0GiB/);
  assert.equal(await page.locator(".problem, .bar, [aria-invalid=true]").count(), 0, "nothing looks wrong");
  await page.getByRole("button", { name: "Go on with the number of parameters" }).click();
  assert.equal((await last()).parameters.total, 456089655296);
  assert.match(await verdictOf(page).textContent(), /^Does not fit: /);
  assert.deepEqual(seen.errors, []);
  await close();
});

test("a pasted configuration of an unknown architecture says so, too", async () => {
  const { page, close } = await browser.open(hashOf({ model: { config: { model_type: "abacus" } } }));
  await page.getByText("Models of the kind abacus are not counted yet.").waitFor();
  await close();
});

test("training on images asks how many, how large and what is trained of the tower", async () => {
  const seeing = { id: "llava-hf/llava-1.5-7b-hf" };
  const { page, last, close } = await browser.open(hashOf({ model: seeing, hardware, task: "training" }));
  assert.equal(await page.getByLabel("Vision tower").count(), 0);
  await page.getByLabel("Images", { exact: true }).fill("2");
  const frozen = processOf(answerTo({ model: seeing, hardware, task: "training", training: { images: 2 } }));
  await page.waitForFunction((bytes) => window.estimates.at(-1).devices?.[0].processBytes.expected === bytes, frozen);
  await page.getByLabel("Vision tower").selectOption("trained");
  assert.equal(processOf(await last()), processOf(answerTo({ model: seeing, hardware, task: "training", training: { images: 2, vision: "trained" } })));
  assert.ok(processOf(await last()) > frozen);
  await page.getByRole("group", { name: "Method" }).getByRole("radio", { name: /^LoRA/ }).check();
  assert.equal(await page.getByLabel("Vision tower").count(), 0, "with adapters nothing of it is trained");
  assert.equal((await last()).ok, true);
  await close();
});

test("the optimizer's states have a format of their own, and answers come from elsewhere or from this card", async () => {
  const { page, last, close } = await browser.open(hashOf({ model, hardware, task: "training", training: { precision: "fp32", rl: { algorithm: "grpo" } } }));
  await page.getByText("More settings").click();
  await page.getByLabel("States in").selectOption("bf16");
  await page.getByLabel("Answers from").selectOption("colocated-vllm");
  const training = { precision: "fp32", optimizerFormat: "bf16", rl: { algorithm: "grpo", rollout: "colocated-vllm" } };
  assert.equal(processOf(await last()), processOf(answerTo({ model, hardware, task: "training", training })));
  await close();
});
