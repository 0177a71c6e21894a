import assert from "node:assert/strict";
import test from "node:test";
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { loadEngine } from "../support/engine.mjs";
import { factsOf } from "../support/facts.mjs";

const engine = await loadEngine();
const { architectures } = readCatalog();

test("every inventory gives the parameters of its default configuration", () => {
  const wrong = [];
  for (const [type, { defaultParameters }] of Object.entries(architectures)) {
    if (!defaultParameters) continue;
    const scenario = { model: { config: { model_type: type } }, detail: "summary" };
    const estimate = JSON.parse(engine.estimate(scenario, factsOf(scenario)));
    const onlyWeights = estimate.assumptions?.some(({ id }) => id === "activations-unknown");
    if (estimate.ok ? onlyWeights && estimate.parameters.total !== defaultParameters : true) wrong.push(`${type}: ${estimate.parameters?.total} ${JSON.stringify(estimate.issues)}`);
  }
  assert.deepEqual(wrong, []);
});
