// What fits and what to change, below the answer.
import assert from "node:assert/strict";
import test from "node:test";
import { hashOf, startBrowser } from "./support/page.mjs";

const browser = await startBrowser();
test.after(browser.close);

const tooLarge = { model: { id: "meta-llama/Llama-3.1-8B" }, task: "training", hardware: { gpu: "nvidia/a100-80gb" }, training: { sequenceTokens: 8192 } };

test("the best change is applied with a click, and undone with another", async () => {
  const { page, seen, last, close } = await browser.open(hashOf(tooLarge));
  const before = await last();
  assert.equal(before.devices[0].fits, false);
  await page.locator(".advice li button").first().click();
  assert.equal((await last()).devices[0].fits, true);
  await page.locator(".advice .changed button").click();
  assert.deepEqual((await last()).devices, before.devices);
  assert.equal(await page.locator(".advice .changed").count(), 0);
  assert.deepEqual(seen.errors, []);
  await close();
});

test("where it fits, the page says what could grow, and opens what fits in figures", async () => {
  const { page, close } = await browser.open(hashOf({ model: { id: "meta-llama/Llama-3.2-1B" }, inference: { contextTokens: 2048 }, hardware: { gpu: "nvidia/rtx-4090" } }));
  await page.locator(".advice .grows").waitFor();
  assert.match(await page.locator(".advice .grows").textContent(), /^Room for [\d,]+ more sequences or [\d,]+ more tokens\.$/);
  await page.locator(".advice summary").click();
  assert.match(await page.locator(".advice dl").textContent(), /GPUs needed1.*Longest context, tokens[\d,]+/);
  await close();
});
