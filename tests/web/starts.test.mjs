// Examples, what was used lately, and the way back.
import assert from "node:assert/strict";
import test from "node:test";
import { importTypeScript } from "../support/typescript.mjs";
import { answerer, hashOf, startBrowser } from "./support/page.mjs";

const browser = await startBrowser();
const answerTo = await answerer();
test.after(browser.close);

const serving = { model: { id: "meta-llama/Llama-3.1-8B" }, hardware: { gpu: "nvidia/rtx-4090" } };

test("every example is answered, and fits", async () => {
  const { presets } = await importTypeScript("web/src/components/Starts/presets.ts");
  const verdicts = presets.map(({ name, scenario }) => [name, answerTo(scenario)]);
  assert.deepEqual(verdicts.filter(([, { ok, devices }]) => !ok || devices.some(({ fits }) => fits === false)).map(([name, { issues }]) => [name, issues]), []);
});

test("changes are taken back and made again one by one, typing in one field is one change, and so do the keys", async () => {
  const { page, last, close } = await browser.open(hashOf(serving));
  const undo = page.getByRole("button", { name: "Undo" });
  await undo.waitFor();
  assert.equal(await undo.isDisabled(), true);
  await page.getByLabel("Sequences").pressSequentially("12");
  await page.getByRole("radio", { name: "Training", exact: true }).check();
  await page.getByRole("radio", { name: /^LoRA/ }).check();
  await undo.click();
  assert.equal((await last()).scenario.training.method, "full");
  await page.keyboard.press("Control+z");
  assert.deepEqual([(await last()).scenario.task, (await last()).scenario.inference.sequences], ["inference", 12]);
  await page.keyboard.press("Control+z");
  assert.equal((await last()).scenario.inference.sequences, 1);
  assert.equal(await undo.isDisabled(), true);
  await page.getByRole("button", { name: "Redo" }).click();
  await page.keyboard.press("Control+Shift+z");
  assert.equal((await last()).scenario.task, "training");
  await page.getByRole("radio", { name: "Inference", exact: true }).check();
  assert.equal(await page.getByRole("button", { name: "Redo" }).isDisabled(), true, "another change leaves nothing to make again");
  await close();
});

test("what was looked at for a while is offered at the next visit, and forgotten when asked", async () => {
  const { page, last, close } = await browser.open(hashOf(serving));
  await page.getByLabel("Context, tokens").fill("32768");
  const recent = page.getByRole("region", { name: "Recently used" }).getByRole("button");
  await recent.first().waitFor();
  await page.goto("about:blank");
  await page.goBack();
  await page.evaluate(() => (location.hash = ""));
  await page.reload();
  await page.getByRole("button", { name: "Llama-3.1-8B · Transformers · GeForce RTX 4090" }).click();
  assert.equal((await last()).scenario.inference.contextTokens, 32768);
  await page.getByRole("button", { name: "Forget these" }).click();
  await recent.first().waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => localStorage.getItem("gpumem-recent")), null);
  await close();
});

test("what somebody else left in the browser's store does no harm", async () => {
  const { page, seen, close } = await browser.open();
  for (const kept of ["{", "[1, {\"title\": 2}, {\"title\": \"x\", \"scenario\": []}]", "{\"length\": 3}"]) {
    await page.evaluate((text) => localStorage.setItem("gpumem-recent", text), kept);
    await page.reload();
    await page.getByRole("button", { name: "Undo" }).waitFor();
    assert.equal(await page.getByRole("region", { name: "Recently used" }).count(), 0);
  }
  assert.deepEqual(seen.errors, []);
  await close();
});
