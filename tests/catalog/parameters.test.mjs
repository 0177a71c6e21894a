import assert from "node:assert/strict";
import test from "node:test";
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { loadEngine } from "../support/engine.mjs";

const engine = await loadEngine();

for (const [id, { config, parameters }] of Object.entries(readCatalog().models)) {
  test(`${id} has ${parameters} parameters`, () => {
    const estimate = JSON.parse(engine.estimate({ model: { id }, task: "inference" }, { config }));
    assert.deepEqual(estimate.issues ?? [], []);
    assert.equal(estimate.parameters.total, parameters);
  });
}
