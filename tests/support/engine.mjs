// The built engine, as tests call it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, root } from "../../scripts/support/run.mjs";
import create from "../../wasm/estimator.mjs";

/**
 * Resolves to {estimate(scenario, facts), fields(scenario, facts), describe(), version(), estimateScenario(scenario)}, which return JSON text;
 * estimateScenario looks up in the catalog what the scenario's names stand for.
 */
export async function loadEngine(name = "estimator") {
  const path = join(root, "build/wasm", `${name}.wasm`);
  if (!existsSync(path)) throw new Failure(`build/wasm/${name}.wasm is not built yet; npm run build comes first.`);
  const estimator = await create(readFileSync(path));
  // Here, since the facts come by a module that needs what was built.
  const { factsOf } = await import("./facts.mjs");
  const estimateScenario = (scenario) => estimator.estimate(scenario, factsOf(scenario));
  return { estimate: estimator.estimate, fields: estimator.fields, describe: estimator.describe, version: estimator.version, estimateScenario };
}
