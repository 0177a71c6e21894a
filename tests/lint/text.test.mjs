import assert from "node:assert/strict";
import test from "node:test";
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { codeFiles } from "./rules/files.mjs";
import { lengthProblems, lineLimits, namedInCode, postponedProblems } from "./rules/text.mjs";

const everything = codeFiles("core", "wasm", "web", "scripts", "tests");
const catalog = readCatalog();

test("no file is longer than its limit", () => assert.deepEqual(lengthProblems(everything), []));

test("no work is postponed in comments", () => assert.deepEqual(postponedProblems(everything), []));

test("the core names no model and no GPU", () => assert.deepEqual(namedInCode(codeFiles("core"), catalog), []));

const lines = (count) => "x\n".repeat(count);

test("found: a file one line too long", () => {
  assert.equal(lengthProblems([{ path: "core/a.cpp", text: lines(lineLimits.code + 1) }]).length, 1);
  assert.equal(lengthProblems([{ path: "tests/a.cpp", text: lines(lineLimits.test + 1) }]).length, 1);
  assert.deepEqual(lengthProblems([{ path: "core/a.cpp", text: lines(lineLimits.code) }]), []);
});

test("found: postponed work", () => {
  assert.equal(postponedProblems([{ path: "core/a.cpp", text: `int x;  // TO${"DO"} later` }]).length, 1);
});

test("found: a name in a string, but not in a comment or a model_type", () => {
  const small = {
    models: { "maker/Great-7B": { config: { model_type: "great" } }, "maker/great": { config: { model_type: "great" } } },
    gpus: { "nvidia/t4": { name: "T4" } },
  };
  const text = 'auto a = "Great-7B";\nauto b = "on a T4 card";\nauto c = "great";  // as in "Great-7B"\nauto d = "at4";';
  assert.equal(namedInCode([{ path: "core/a.cpp", text }], small).length, 2);
});
