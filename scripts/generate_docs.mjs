// npm run docs: writes the pages of docs/ that the catalog and the built engine know by themselves.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { examplesPage } from "./docs/examples.mjs";
import { rulesPage } from "./docs/rules_of_thumb.mjs";
import { supported } from "./docs/supported.mjs";
import { readCatalog } from "./support/catalog.mjs";
import { main, root } from "./support/run.mjs";

/** {path: text} of every such page; `engine` is the built one. */
export function generatedPages(engine) {
  const estimate = (scenario) => JSON.parse(engine.estimateScenario(scenario));
  return {
    "docs/supported.md": supported(readCatalog(), JSON.parse(engine.describe()).architectures),
    "docs/examples.md": examplesPage(estimate),
    "docs/rules-of-thumb.md": rulesPage(estimate),
  };
}

main(import.meta.url, async () => {
  const { loadEngine } = await import("../tests/support/engine.mjs");
  for (const [path, text] of Object.entries(generatedPages(await loadEngine()))) {
    writeFileSync(join(root, path), text);
    console.log(path);
  }
});
