// Builds everything that is shipped: the engine as WebAssembly, the catalog and the measured errors for the page, and dist/.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { generateForWeb } from "./generate_catalog.mjs";
import { setup } from "./setup.mjs";
import { emscriptenEnvironment } from "./support/emscripten.mjs";
import { main, root, run } from "./support/run.mjs";

/** `web`: the page and its kin alone, with the engine that was built before. */
export async function build({ web = false } = {}) {
  if (!web) buildEngine();
  generateForWeb(join(root, "build/catalog"));
  run("node", ["tests/truth/figures.mjs"]);
  run("node", ["scripts/first_answer.mjs"]);
  for (const config of viteConfigs()) run("node", ["node_modules/vite/bin/vite.js", "build", "--config", config]);
  // Here, since its packages may have been installed only now.
  const { buildSite } = await import("./site/site.mjs");
  await buildSite();
}

/** build/wasm/*.wasm. Ninja does nothing when nothing changed. */
function buildEngine() {
  const env = emscriptenEnvironment();
  run("emcmake", ["cmake", "--preset", "wasm"], { env });
  run("cmake", ["--build", "build/wasm", "--target", "estimator", "first"], { env });
}

/** The page first, since its build empties dist/; then every vite.<what>.config.ts. */
function viteConfigs() {
  const others = readdirSync(root).filter((file) => /^vite\..+\.config\.ts$/.test(file)).sort();
  return ["vite.config.ts", ...others].filter((file) => existsSync(join(root, file)));
}

main(import.meta.url, async () => {
  const web = process.argv.includes("--web");
  if (!web) setup("build");
  await build({ web });
});
