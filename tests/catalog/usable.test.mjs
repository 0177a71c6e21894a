import assert from "node:assert/strict";
import test from "node:test";
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { loadEngine } from "../support/engine.mjs";

const engine = await loadEngine();
const { gpus } = readCatalog();

function usable(gpu) {
  const scenario = { model: { parameters: 1e9 }, task: "inference", hardware: { gpu } };
  return JSON.parse(engine.estimate(scenario, { device: gpus[gpu] })).devices[0].usableBytes;
}

test("of memory shared with the processor, a GPU has what the system lends it", () => {
  assert.equal(usable("apple/m3-max-40-core-64gb"), 48 * 2 ** 30);
  assert.equal(usable("apple/m1-16gb"), Math.round(16 * 2 ** 30 * 0.667));
});

test("the memory of a card is what its driver reports, less what the driver keeps", () => {
  const reported = 81559 * 2 ** 20;
  assert.ok(usable("nvidia/h100-sxm-80gb") <= reported && usable("nvidia/h100-sxm-80gb") > 0.97 * reported);
});

test("the engine answers for every GPU", () => {
  for (const gpu of Object.keys(gpus)) assert.ok(usable(gpu) > 2 ** 30, gpu);
});
