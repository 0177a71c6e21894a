// node scripts/site/site.mjs: dist/docs/, the documentation as pages that need no script and no network. Takes a built dist/lib.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { main, root } from "../support/run.mjs";
import { htmlOf } from "./markdown.mjs";
import { pageHtml } from "./page.mjs";
import { pages } from "./pages.mjs";

export async function buildSite(dist = join(root, "dist")) {
  const { describe } = await import(pathToFileURL(join(dist, "lib/index.js")).href);
  const all = pages(await knowledge(describe));
  const folder = join(dist, "docs");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const page of all) writeFileSync(join(folder, `${page.name}.html`), pageHtml(page, page.html ?? htmlOf(page.markdown), all));
  copyFileSync(new URL("site.css", import.meta.url), join(folder, "site.css"));
  console.log(`dist/docs: ${all.length} pages`);
}

async function knowledge(describe) {
  const { readCatalog } = await import("../support/catalog.mjs");
  const { fields } = await describe();
  return { fields, sources: readCatalog().sources };
}

main(import.meta.url, () => buildSite());
