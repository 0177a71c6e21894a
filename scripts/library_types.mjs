// dist/lib/index.d.ts: the library's types in one file that imports nothing.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Failure, root, run } from "./support/run.mjs";

const shapes = /^.*from "\.\.\/engine\/types";\n/gm;

/** The compiler declares each module by itself; the shapes go ahead of the functions that would import them. */
export function writeLibraryTypes(file) {
  run("node", ["node_modules/typescript/bin/tsc", "-p", "web/src/lib/tsconfig.json"]);
  const [types, functions] = ["engine/types", "lib/index"].map((module) =>
    readFileSync(join(root, "build/types/web/src", `${module}.d.ts`), "utf8"),
  );
  const text = types + functions.replace(shapes, "");
  if (/\bfrom "/.test(text)) throw new Failure("The library's types import something; they have to stand alone.");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
