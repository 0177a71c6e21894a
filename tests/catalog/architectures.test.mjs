import assert from "node:assert/strict";
import test from "node:test";
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { loadEngine } from "../support/engine.mjs";
import { factsOf } from "../support/facts.mjs";

const engine = await loadEngine();
const { architectures } = readCatalog();

test("every inventory gives the parameters of its default configuration", (t) => {
  const wrong = [];
  for (const [type, { defaultParameters }] of Object.entries(architectures)) {
    if (!defaultParameters) continue;
    const scenario = { model: { config: { model_type: type } }, detail: "summary" };
    const estimate = JSON.parse(engine.estimate(scenario, factsOf(scenario)));
    const alone = JSON.parse(engine.estimate(scenario, {}));
    const hasProgram = alone.ok ? !alone.assumptions.some(({ id }) => id === "unlisted-architecture") : !alone.issues.some(({ path }) => path === "model.config.model_type");
    // A program goes before an inventory, and may need fields that a default configuration leaves out.
    if (hasProgram && !estimate.ok) t.diagnostic(`the program of ${type} refuses its default configuration: ${estimate.issues[0].path} ${estimate.issues[0].message}`);
    if (!hasProgram && estimate.parameters?.total !== defaultParameters) wrong.push(`${type}: ${estimate.parameters?.total} ${JSON.stringify(estimate.issues)}`);
  }
  assert.deepEqual(wrong, []);
});
