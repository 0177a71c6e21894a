// The built engine, as tests call it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Failure, root } from "../../scripts/support/run.mjs";

/** Resolves to {estimate(scenario, facts)}, which returns JSON text. */
export async function loadEngine() {
  const path = join(root, "build/wasm/estimator.mjs");
  if (!existsSync(path)) throw new Failure("build/wasm/estimator.mjs is not built yet; npm run build comes first.");
  const { default: create } = await import(pathToFileURL(path));
  return create({ wasmBinary: readFileSync(path.replace(/mjs$/, "wasm")) });
}
