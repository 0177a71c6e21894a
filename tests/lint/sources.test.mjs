import assert from "node:assert/strict";
import test from "node:test";
import { readCatalog } from "../../scripts/support/catalog.mjs";
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
