// The built engine, as tests call it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Failure, root } from "../../scripts/support/run.mjs";

/**
 * Resolves to {estimate(scenario, facts), describe(), version(), estimateScenario(scenario)}, which return JSON text;
 * estimateScenario looks up in the catalog what the scenario's names stand for.
 */
export async function loadEngine() {
  const path = join(root, "build/wasm/estimator.mjs");
  if (!existsSync(path)) throw new Failure("build/wasm/estimator.mjs is not built yet; npm run build comes first.");
  const { default: create } = await import(pathToFileURL(path));
  const estimator = await create({ wasmBinary: readFileSync(path.replace(/mjs$/, "wasm")) });
  // Here, since the facts come by a module that needs what was built.
  const { factsOf } = await import("./facts.mjs");
  const estimateScenario = (scenario) => estimator.estimate(scenario, factsOf(scenario));
  return { estimate: estimator.estimate, describe: estimator.describe, version: estimator.version, estimateScenario };
}
