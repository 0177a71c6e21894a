// axe-core, a checker of accessibility, finds nothing in any state of the page: rules of WCAG 2.2, levels A and AA, and what is
// good practice beside them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import test from "node:test";
import { folder, startHost } from "./support/host.mjs";
import { hashOf, startBrowser } from "./support/page.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const wcag = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const ours = [...wcag, "best-practice"];
const browser = await startBrowser();
test.after(browser.close);

/** "rule: what it is about", one for each place. */
async function violations(page, rules = ours) {
  await page.evaluate(axe);
  return page.evaluate(async (rules) => {
    const { violations } = await axe.run(document, { runOnly: rules });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary.split("\n").slice(1).join(" ").trim()}`));
  }, rules);
}

const model = { id: "meta-llama/Llama-3.1-8B" };
const hardware = { gpu: "nvidia/rtx-4090" };
const serving = { model, hardware };
const training = { model, task: "training", training: { method: "lora" }, hardware };
const stages = { model, weights: "Q4_K_M", parallel: { pipeline: 2 }, hardware: { memory: "8 GiB" } };
const many = { model, task: "training", engine: { name: "megatron" }, parallel: { tensor: 2, pipeline: 4 }, hardware: { gpu: "nvidia/h100-sxm-80gb" } };

const last = (page) => page.locator("summary", { hasText: "Embed this" }).waitFor();

/** Everything that opens, opened, and what takes a while waited for. */
async function openAll(page) {
  await last(page);
  await page.keyboard.press("c");
  for (let round = 0; round < 2; round++) await page.evaluate(() => document.querySelectorAll("details:not(.export)").forEach((one) => (one.open = true)));
  await page.locator(".command").waitFor();
  await page.locator(".sweep .line").waitFor();
  await page.locator(".plan dd button").first().waitFor();
  await page.evaluate(() => document.querySelectorAll("main details").forEach((one) => (one.open = true)));
}

const states = {
  "the first answer": { hash: "" },
  "what does not fit": { hash: hashOf({ ...training, training: { method: "full" } }) },
  "a count alone": { hash: hashOf({ model: { parameters: 70e9 }, hardware }) },
  "no hardware": { hash: hashOf({ model }) },
  "wrong input": { hash: hashOf({ ...serving, inference: { sequences: 2.5, contextTokens: -1 } }) },
  "no answer at all": { hash: hashOf({ model: { id: "no/such-model" } }) },
  "an address that cannot be read": { hash: "#scenario=%7B" },
  "serving, all open": { hash: hashOf(serving), then: openAll },
  "training, all open": { hash: hashOf(training), then: openAll },
  "stages of several GPUs": { hash: hashOf(stages), then: openAll },
  "ranks of many GPUs": { hash: hashOf(many), then: last },
  "the list of models": { hash: hashOf(serving), then: (page) => page.locator("#model-search").focus() },
  "the list of keys and the menu of exports": {
    hash: hashOf(serving),
    then: async (page) => {
      await last(page);
      await page.keyboard.press("?");
      await page.locator(".export summary").click();
    },
  },
  "a map of two fields": {
    hash: hashOf(serving),
    then: async (page) => {
      await page.locator(".folded > summary", { hasText: "Sweep" }).click();
      await page.getByLabel("Second field").selectOption("inference.sequences");
      await page.locator(".heat").waitFor();
    },
  },
  "a phone": { hash: hashOf(training), options: { width: 375, height: 700 }, then: openAll },
};

for (const [name, { hash, then, options }] of Object.entries(states)) {
  test(`nothing is found in: ${name}, light and dark`, async () => {
    const { page, close } = await browser.open(hash, options);
    page.setDefaultTimeout(30_000);
    await then?.(page);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await violations(page), [], colorScheme);
    }
    await close();
  });
}

test("nothing is found in the element and in the page for an iframe", async () => {
  const page = `<!doctype html><html lang="en"><head><title>A page</title><meta charset="utf-8"><script type="module" src="${folder}element/gpumem-calculator.js"></script></head>
    <body><main><h1>A page</h1><gpumem-calculator model="meta-llama/Llama-3.1-8B" gpu="nvidia/rtx-4090"></gpumem-calculator></main></body></html>`;
  const host = await startHost({ "/": page });
  const seen = await host.open("/");
  await seen.page.locator("gpumem-calculator .verdict strong").first().waitFor();
  assert.deepEqual(await violations(seen.page), []);
  const embed = await host.open(`${folder}embed.html`);
  await embed.page.locator("gpumem-calculator .verdict strong").first().waitFor();
  assert.deepEqual(await violations(embed.page, wcag), []);
  await host.close();
});
