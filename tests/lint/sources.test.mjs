import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { root } from "../../scripts/support/run.mjs";
import { codeFiles } from "./rules/files.mjs";
import { citationProblems, citations, uncitedHeaders, unusedSources } from "./rules/sources.mjs";

const files = codeFiles("core");
const catalog = readCatalog();

test("every source cited in the core exists", () => {
  assert.deepEqual(citationProblems(files, catalog.sources), []);
});

test("every header of formulas cites a source", () => {
  assert.deepEqual(uncitedHeaders(files), []);
});

test("sources that nothing cites are named", (t) => {
  const unused = unusedSources(files, catalog);
  if (unused.length > 0) t.diagnostic(`not cited: ${unused.join(", ")}`);
});

const cites = { path: "core/src/layers/norm.hpp", text: "/// Source: [known] eq 3, [unknown] §2\nint x[3];" };

test("found: a key that does not exist", () => {
  assert.deepEqual(citations([cites]).map(({ key }) => key), ["known", "unknown"]);
  assert.equal(citationProblems([cites], { known: {} }).length, 1);
});

test("found: a header of formulas without a source", () => {
  const bare = { path: "core/src/layers/rotary.hpp", text: "int rotary();" };
  assert.equal(uncitedHeaders([bare, cites]).length, 1);
  assert.deepEqual(uncitedHeaders([bare, { path: "core/src/layers/rotary.cpp", text: "// Source: [known]" }]), []);
  const data = { path: "core/src/layers/decoder.hpp", text: "struct Layer {\n  bool operator==(const Layer&) const = default;\n};" };
  assert.deepEqual(uncitedHeaders([data]), []);
});

test("found: a source that nothing cites", () => {
  const small = { sources: { known: {}, row: {}, idle: {} }, formats: { fp32: { source: "row" } } };
  assert.deepEqual(unusedSources([cites], small), ["idle"]);
});

test("every file of C++ is built, once", () => {
  const lists = [["CMakeLists.txt", "core/src", ""], ["tests/core/CMakeLists.txt", "tests/core", "tests/core/"]];
  for (const [list, folder, prefix] of lists) {
    const listed = readFileSync(join(root, list), "utf8").split("\n").flatMap((line) => /^  (\S+\.cpp)\)?$/.exec(line)?.[1] ?? []).map((file) => prefix + file);
    const there = readdirSync(join(root, folder), { recursive: true }).filter((file) => file.endsWith(".cpp") && !file.startsWith("support/")).map((file) => `${folder}/${file}`);
    assert.deepEqual(listed.sort(), there.sort());
  }
});
