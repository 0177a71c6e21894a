// build/catalog/first_answer.json: what the page asks when nobody has told it anything yet, and what the engine answers to that.
// With it the page has its first answer on screen before any engine has arrived.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { main, root } from "./support/run.mjs";
import { importTypeScript } from "./support/typescript.mjs";

/** Asked by the page's own code of the engine that is built. */
export async function firstAnswer() {
  const { createEngine } = await importTypeScript("web/src/engine/engine.ts");
  const { prepare } = await importTypeScript("web/src/state/prepare.ts");
  const first = JSON.parse(readFileSync(join(root, "build/catalog/first.json"), "utf8"));
  return prepare(await createEngine(readFileSync(join(root, "build/wasm/first.wasm")), false), first);
}

main(import.meta.url, async () => {
  writeFileSync(join(root, "build/catalog/first_answer.json"), `${JSON.stringify(await firstAnswer())}\n`);
});
