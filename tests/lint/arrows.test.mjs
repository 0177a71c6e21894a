import assert from "node:assert/strict";
import test from "node:test";
import { arrowProblems } from "./rules/arrows.mjs";
import { codeFiles } from "./rules/files.mjs";

test("includes and imports follow the arrows", () => {
  const files = codeFiles("core", "wasm", "web");
  assert.ok(files.length > 0);
  assert.deepEqual(arrowProblems(files), []);
});

const file = (path, text = "") => ({ path, text });
const layer = file("core/src/layers/norm.hpp");
const machine = file("core/src/machine/machine.hpp");
const units = file("core/include/gpumem/units.hpp");

const wrong = {
  "a lower folder includes a higher one": file("core/src/machine/tape.cpp", '#include "layers/norm.hpp"'),
  "a public header includes a private one": file("core/include/gpumem/estimate.hpp", '#include "machine/machine.hpp"'),
  "wasm includes a private header": file("wasm/bindings.cpp", '#include "machine/machine.hpp"'),
  "wasm reaches into the core by a relative path": file("wasm/bindings.cpp", '#include "../core/src/layers/norm.hpp"'),
  "a folder is not in the order": file("core/src/extras/more.cpp", '#include "machine/machine.hpp"'),
  "the page imports from the core": file("web/src/app/main.ts", 'import data from "../../../core/catalog/sources.json";'),
};
for (const [what, sample] of Object.entries(wrong)) {
  test(`found: ${what}`, () => assert.equal(arrowProblems([layer, machine, units, sample]).length, 1));
}

const right = [
  file("core/src/layers/attention.cpp", '#include "layers/norm.hpp"\n#include "machine/machine.hpp"\n#include "gpumem/units.hpp"'),
  file("core/src/estimate.cpp", '#include "layers/norm.hpp"\n#include "gpumem_catalog.hpp"\n#include <vector>'),
  file("wasm/bindings.cpp", '#include "gpumem/units.hpp"\n#include "to_js.hpp"'),
  file("web/src/engine/load.ts", 'import create from "../../../wasm/estimator.mjs";\nimport wasm from "../../../build/wasm/estimator.wasm?url";\nimport { h } from "preact";'),
];
test("what follows the arrows is no problem", () => {
  assert.deepEqual(arrowProblems([layer, machine, units, file("wasm/to_js.hpp"), ...right]), []);
});
