// Beside an answer, how far answers like it were off, as the recorded cases say.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { figures, path } from "../truth/figures.mjs";
import { hashOf, startBrowser } from "./support/page.mjs";

const browser = await startBrowser();
test.after(browser.close);

test("the figures of a kind are those of its own cases, and a few cases have none", () => {
  const scenario = { task: "training", engine: { name: "torch" }, training: { method: "lora" } };
  const result = (error) => ({ id: "a", group: "g", errors: [{ quantity: "allocatedBytes", error }, { quantity: "phase:loss", error: 1 }] });
  const cases = [...Array(6).fill({ scenario }), { scenario: { ...scenario, training: { method: "full" } } }, { scenario: { task: "inference" } }];
  const results = [0, 0, 0.01, 0.02, 0.03, 0.04].map(result).concat(result(1), result(1));
  assert.deepEqual(figures(cases, results), { "training torch lora": [{ group: "g", quantity: "allocatedBytes", answered: 6, median: 0.02, p95: 0.04 }] });
});

test("the page shows the figures of the answer's task, engine and method, and says where there are none", async () => {
  const recorded = JSON.parse(readFileSync(path, "utf8"));
  const model = { id: "meta-llama/Llama-3.1-8B" };
  const { page, close } = await browser.open(hashOf({ model, task: "training", training: { method: "lora" } }));
  const rows = page.locator(".accuracy tbody tr");
  await rows.first().waitFor();
  assert.deepEqual((await rows.locator("td:nth-child(2)").allTextContents()).map(Number), recorded["training torch lora"].map(({ answered }) => answered));
  await close();
  const other = await browser.open(hashOf({ model, task: "training", engine: { name: "deepspeed" }, parallel: { data: 2, zero: 3 } }));
  await other.page.getByText("No recorded case is like this one.").waitFor();
  await other.close();
});
