// Modules of web/src in node: vite takes the types away as it does for the page.
import { join } from "node:path";
import { runnerImport } from "vite";
import { root } from "./run.mjs";

/** The exports of a module, named from the repository's root. */
export async function importTypeScript(path) {
  const { module } = await runnerImport(join(root, path), { root, configFile: false, logLevel: "silent" });
  return module;
}
