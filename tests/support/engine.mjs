// The built engine, as tests call it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Failure, root } from "../../scripts/support/run.mjs";

/** Resolves to {estimate(scenario, facts), describe()}, which return JSON text. */
export async function loadEngine() {
  const [module, binary] = ["estimator.mjs", "estimator.wasm"].map((file) => join(root, "build/wasm", file));
  for (const path of [module, binary])
    if (!existsSync(path)) throw new Failure(`${path} is not built yet; npm run build comes first.`);
  const { default: create } = await import(pathToFileURL(module));
  // Read here: the module was made for browsers and would ask for the file over HTTP.
  return create({ wasmBinary: readFileSync(binary) });
}
