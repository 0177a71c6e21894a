// The calculator in somebody else's page: under a strict policy, from a folder below, twice on one page.
import assert from "node:assert/strict";
import test from "node:test";
import { folder, startHost } from "./support/host.mjs";
import { answerer, gibibytes } from "./support/page.mjs";

const script = `<script type="module" src="${folder}element/gpumem-calculator.js"></script>`;
const collect = 'window.told = []; addEventListener("gpumem-estimate", (event) => told.push([event.target.id, event.detail, event.composed]));';
const page = (body) => `<!doctype html><meta charset="utf-8"><title>host</title><script src="/collect.js"></script>${body}${script}`;

const serving = { model: { id: "Qwen/Qwen3-8B" }, task: "inference", weights: "bf16", inference: { contextTokens: 8192, sequences: 2 }, hardware: { gpu: "nvidia/rtx-4090" } };
const training = { model: { id: "Qwen/Qwen3-0.6B" }, task: "training", training: { method: "lora", sequenceTokens: 1024, microBatch: 2 }, hardware: { memory: "24 GiB" } };

const host = await startHost({
  "/collect.js": collect,
  "/class.js": `import { GpumemCalculator } from "${folder}element/class.js"; window.known = [typeof GpumemCalculator, customElements.get("gpumem-calculator")];
    customElements.define("memory-of", class extends GpumemCalculator {}); document.body.append(document.createElement("memory-of"));`,
  "/deep/two.html": page(`
    <gpumem-calculator id="a" model="Qwen/Qwen3-8B" weights="bf16" context="8192" sequences="2" gpu="nvidia/rtx-4090"><p>first</p></gpumem-calculator>
    <gpumem-calculator id="b" scenario='${JSON.stringify({ ...training, hardware: { memory: "24 GiB" } })}'><p>second</p></gpumem-calculator>`),
  "/bad.html": page(`<gpumem-calculator id="a" scenario='{"model": '><p>fallback</p></gpumem-calculator><gpumem-calculator id="b" model="Qwen/Qwen3-8B" context="many"></gpumem-calculator>`),
  "/one.html": page('<gpumem-calculator id="a" model="Qwen/Qwen3-0.6B"><p>fallback</p></gpumem-calculator>'),
  "/class.html": '<!doctype html><title>class</title><script src="/collect.js"></script><body><script type="module" src="/class.js"></script>',
});
const answerTo = await answerer();
test.after(host.close);

const settled = (page, ids) => page.waitForFunction((ids) => ids.every((id) => told.some(([of]) => of === id)), ids);
const last = (page, id) => page.evaluate((id) => told.findLast(([of]) => of === id)?.[1], id);
const answered = (page, id, wanted) => page.waitForFunction(([id, wanted]) => told.findLast(([of]) => of === id)?.[1].devices?.[0].processBytes.expected === wanted, [id, wanted]);
const process = (scenario) => answerTo(scenario).devices[0].processBytes.expected;

test("two elements of a page answer as the engine does, with one engine between them, and no error under a strict policy", async () => {
  const { page, seen } = await host.open("/deep/two.html");
  await settled(page, ["a", "b"]);
  await answered(page, "a", process(serving));
  await answered(page, "b", process(training));
  assert.match(await page.locator("#a .verdict [role=status]").textContent(), new RegExp(gibibytes(process(serving)).replace(".", "\\.")));
  assert.equal(await page.locator("#a p", { hasText: "first" }).isVisible(), false);
  await page.waitForLoadState("networkidle");
  for (const file of [/first-.*\.wasm/, /estimator-.*\.wasm/, /models\.packed/]) assert.equal(seen.requests.filter((path) => file.test(path)).length, 1, String(file));
  assert.ok(await page.evaluate(() => told.every(([, , composed]) => composed)));
  assert.deepEqual(seen.errors, []);
  assert.deepEqual(await page.evaluate(() => [localStorage.length, document.cookie]), [0, ""]);
  await page.close();
});

test("attributes, the property and the visitor change the answer, each of its own element", async () => {
  const { page } = await host.open("/deep/two.html");
  await answered(page, "a", process(serving));
  await answered(page, "b", process(training));
  const told = await page.evaluate(() => window.told.filter(([id]) => id === "b").length);
  await page.evaluate(() => ["context", "sequences"].forEach((name) => document.getElementById("a").setAttribute(name, "1024")));
  await answered(page, "a", process({ ...serving, inference: { contextTokens: 1024, sequences: 1024 } }));
  await page.evaluate((scenario) => (document.getElementById("a").scenario = scenario), serving);
  await page.evaluate(() => ["context", "sequences"].forEach((name) => document.getElementById("a").removeAttribute(name)));
  await answered(page, "a", process(serving));
  await page.locator("#a").getByLabel("Sequences").fill("3");
  await answered(page, "a", process({ ...serving, inference: { ...serving.inference, sequences: 3 } }));
  assert.equal(await page.evaluate(() => document.getElementById("a").scenario.inference.sequences), 3);
  assert.equal(await page.evaluate(() => document.getElementById("a").estimate.ok), true);
  assert.equal(await page.evaluate(() => window.told.filter(([id]) => id === "b").length), told, "the other one was not asked");
  const link = await page.locator("#a .foot a").getAttribute("href");
  assert.ok(link.startsWith(`${new URL(page.url()).origin}${folder}#scenario=`), link);
  await page.close();
});

test("what cannot be read is said, and what is wrong is marked at its field", async () => {
  const { page } = await host.open("/bad.html");
  await settled(page, ["a", "b"]);
  assert.match(await page.locator("#a [role=alert]").textContent(), /^No scenario can be read here\. .*JSON/);
  assert.equal(await page.locator("#a .verdict").count(), 0);
  assert.ok(await page.locator("#a p", { hasText: "fallback" }).isVisible());
  assert.equal((await last(page, "a")).issues[0].path, "scenario");
  assert.match(await page.locator("#b .field.wrong").textContent(), /whole number/);
  await page.evaluate(() => document.getElementById("a").setAttribute("scenario", '{"model": {"id": "Qwen/Qwen3-0.6B"}}'));
  await answered(page, "a", process({ model: { id: "Qwen/Qwen3-0.6B" } }));
  assert.equal(await page.locator("#a [role=alert]:visible").count(), 0);
  await page.close();
});

test("without the engine the fallback stays and the reason is said; put in again, it is tried again", async () => {
  host.missing = /\.wasm$/;
  const { page } = await host.open("/one.html");
  await page.locator("#a [role=alert]").waitFor();
  assert.ok(await page.locator("#a p", { hasText: "fallback" }).isVisible());
  host.missing = undefined;
  await page.evaluate(() => document.body.append(document.getElementById("a")));
  await settled(page, ["a"]);
  assert.equal(await page.locator("#a p", { hasText: "fallback" }).isVisible(), false);
  assert.equal(await page.locator("#a [role=alert]:visible").count(), 0);
  await page.close();
});

test("moved it goes on; removed, nothing of it stays", async () => {
  const { page, seen } = await host.open("/one.html");
  await settled(page, ["a"]);
  await page.locator("#a").getByLabel("Sequences").fill("5");
  await page.evaluate(() => document.body.append(document.createElement("main")) ?? document.querySelector("main").append(document.getElementById("a")));
  await page.evaluate(() => document.querySelector("main").append(document.getElementById("a")));
  assert.equal(await page.locator("#a").getByLabel("Sequences").inputValue(), "5");
  // Out and in again at once, while it starts: it is there once.
  await page.evaluate(() => {
    const twice = document.createElement("gpumem-calculator");
    twice.id = "twice";
    document.body.append(twice);
    twice.remove();
    return Promise.resolve().then(() => document.body.append(twice));
  });
  await settled(page, ["twice"]);
  assert.equal(await page.locator("#twice .compact").count(), 1);
  await page.evaluate(() => document.getElementById("twice").remove());
  const left = await page.evaluate(async () => {
    const pause = (ms) => new Promise((done) => setTimeout(done, ms));
    const put = () => new WeakRef(document.body.appendChild(document.createElement("gpumem-calculator")));
    const take = (ref) => ref.deref().remove();
    const gone = [];
    for (let i = 0; i < 6; i++) {
      gone.push(put());
      // Taken away before, while and after it starts.
      if (i > 0) await pause(i * 40);
      take(gone[i]);
    }
    document.getElementById("a").remove();
    window.told.length = 0;
    // What was asked while it was still there has to come back first, which takes its time on a busy machine.
    for (let i = 0; i < 100 && gone.some((ref) => ref.deref()); i++) {
      await pause(50);
      gc();
    }
    return gone.flatMap((ref, i) => (ref.deref() ? [i] : []));
  });
  assert.deepEqual(left, []);
  assert.deepEqual(await page.evaluate(() => told), [], "nobody answers any more");
  assert.deepEqual(seen.errors, []);
  await page.close();
});

test("the class alone defines nothing, takes another name, and is importable without a page", async () => {
  const { page } = await host.open("/class.html");
  await page.waitForFunction(() => told.length > 0);
  assert.deepEqual(await page.evaluate(() => known), ["function", undefined]);
  await page.close();
  const { GpumemCalculator } = await import("../../dist/element/class.js");
  assert.equal(typeof GpumemCalculator, "function");
  await import("../../dist/element/gpumem-calculator.js");
});

test("colours follow the page's color-scheme, the theme, and its properties", async () => {
  const { page } = await host.open("/one.html");
  await settled(page, ["a"]);
  const ground = () => page.locator("#a").evaluate((element) => getComputedStyle(element).backgroundColor);
  assert.equal(await ground(), "rgb(251, 251, 250)");
  await page.evaluate(() => (document.documentElement.style.colorScheme = "dark"));
  assert.equal(await ground(), "rgb(21, 22, 24)");
  await page.evaluate(() => document.getElementById("a").setAttribute("theme", "light"));
  assert.equal(await ground(), "rgb(251, 251, 250)");
  await page.evaluate(() => document.body.style.setProperty("--gpumem-page", "rgb(1, 2, 3)"));
  assert.equal(await ground(), "rgb(1, 2, 3)");
  await page.close();
});
