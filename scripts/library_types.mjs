// The types of what others import, each in one file that imports nothing: dist/lib/index.d.ts and dist/element/class.d.ts.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Failure, root, run } from "./support/run.mjs";

const shapes = /^.*from "\.\.\/engine\/types";\n/gm;
const entries = { "lib/index": "dist/lib/index.d.ts", "element/class": "dist/element/class.d.ts" };

/** The compiler declares each module by itself; the shapes go ahead of what would import them. */
export function writeTypes() {
  run("node", ["node_modules/typescript/bin/tsc", "-p", "web/src/lib/tsconfig.json"]);
  const declared = (module) => readFileSync(join(root, "build/types/web/src", `${module}.d.ts`), "utf8");
  for (const [module, file] of Object.entries(entries)) {
    const text = declared("engine/types") + declared(module).replace(shapes, "");
    if (/\bfrom "/.test(text)) throw new Failure(`The types of ${module} import something; they have to stand alone.`);
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
}
