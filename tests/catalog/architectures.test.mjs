import assert from "node:assert/strict";
import test from "node:test";
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { loadEngine } from "../support/engine.mjs";

const engine = await loadEngine();
const { architectures } = readCatalog();

/** The inventories that one refers to, itself among them. */
function closure(type) {
  const found = {};
  const open = [type];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found[next] || !architectures[next]) continue;
    found[next] = architectures[next];
    const { configs, classes } = architectures[next];
    open.push(...[...JSON.stringify([configs, classes]).matchAll(/"type":"([^"]+)"/g)].map(([, name]) => name));
  }
  return found;
}

test("every inventory gives the parameters of its default configuration", () => {
  const wrong = [];
  for (const [type, { defaultParameters }] of Object.entries(architectures)) {
    if (!defaultParameters) continue;
    const estimate = JSON.parse(engine.estimate({ model: { config: { model_type: type } }, detail: "summary" }, { architectures: closure(type) }));
    const onlyWeights = estimate.assumptions?.some(({ id }) => id === "activations-unknown");
    if (estimate.ok ? onlyWeights && estimate.parameters.total !== defaultParameters : true) wrong.push(`${type}: ${estimate.parameters?.total} ${JSON.stringify(estimate.issues)}`);
  }
  assert.deepEqual(wrong, []);
});
