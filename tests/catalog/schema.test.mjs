import assert from "node:assert/strict";
import test from "node:test";
import { parseQuantity, problemsOfRow, problemsOfSources } from "../../scripts/catalog_schema.mjs";
import { readCatalog } from "../../scripts/support/catalog.mjs";

// Reading checks every file against the schema and fails with a list of what is wrong.
const catalog = readCatalog();

test("every file of the catalog keeps to the schema", () => {
  for (const kind of ["formats", "optimizers", "overheads", "gpus", "models"]) {
    assert.ok(Object.keys(catalog[kind]).length > 0, `no ${kind}`);
  }
});

test("ids are paths that a scenario can name", () => {
  for (const id of Object.keys(catalog.models)) assert.match(id, /^[\w.-]+\/[\w.-]+$/);
  for (const id of Object.keys(catalog.gpus)) assert.match(id, /^[a-z]+\/[a-z0-9-]+$/);
});

test("a card's reported total is near its nominal memory", () => {
  for (const [id, { memory, reported }] of Object.entries(catalog.gpus)) {
    const ratio = reported ? parseQuantity(reported) / parseQuantity(memory) : 1;
    assert.ok(ratio > 0.9 && ratio < 1.08, `${id}: ${reported} of ${memory}`);
  }
});

test("every measurement of an overhead lies in its band", () => {
  for (const [id, { low, high, measurements = [] }] of Object.entries(catalog.overheads)) {
    for (const { value } of measurements) {
      const inside = parseQuantity(low) <= parseQuantity(value) && parseQuantity(value) <= parseQuantity(high);
      assert.ok(inside, `${id}: ${value} is outside ${low} … ${high}`);
    }
  }
});

test("a quantity is a number, a space and a unit; GB and GiB differ", () => {
  assert.equal(parseQuantity("80 GiB"), 80 * 2 ** 30);
  assert.equal(parseQuantity("141 GB"), 141e9);
  assert.equal(parseQuantity("8519680 B"), 8519680);
  for (const wrong of ["80", "80GiB", "80 gib", "-1 GiB", "1e3 B", "NaN B", " 1 B"]) assert.equal(parseQuantity(wrong), undefined);
});

const sources = { known: { title: "A paper", url: "https://example.org/" } };
const format = { blockElements: 32, blockBytes: 18, source: "known" };
const measurements = [{ value: "1 MiB", case: "once", source: "known" }];
const overhead = { low: "1 MiB", expected: "2 MiB", high: "3 MiB", measurements, source: "known" };

test("right rows have no problems", () => {
  assert.deepEqual(problemsOfRow("formats", format, sources), []);
  assert.deepEqual(problemsOfRow("overheads", overhead, sources), []);
  assert.deepEqual(problemsOfSources(sources), []);
});

const wrong = {
  "an unknown field": ["formats", { ...format, bits: 4.5 }, /bits is not a known field/],
  "a missing source": ["formats", { blockElements: 1, blockBytes: 2 }, /source is missing/],
  "a source that does not exist": ["formats", { ...format, source: "hearsay" }, /hearsay/],
  "a bare number of bytes": ["overheads", { ...overhead, high: 3145728 }, /high must be a quantity/],
  "an unparsable quantity": ["gpus", { name: "G", memory: "24 GIGS", sources: ["known"] }, /memory must be a quantity/],
  "a band out of order": ["overheads", { ...overhead, low: "9 MiB" }, /not in order/],
  "a band out of nowhere": ["overheads", { ...overhead, measurements: undefined }, /a note must say/],
  "half a band": ["overheads", { ...overhead, high: undefined, highShare: 0.1 }, /needs either/],
  "a measurement without a source": ["overheads", { ...overhead, measurements: [{ value: "1 B", case: "x" }] }, /\[0\]source is missing/],
  "a fractional count": ["models", { config: {}, parameters: 1.5, source: "known" }, /parameters must be an integer/],
  "something that is no row": ["formats", [], /must be an object/],
};
for (const [what, [kind, row, message]] of Object.entries(wrong)) {
  test(`found: ${what}`, () => assert.match(problemsOfRow(kind, row, sources).join("; "), message));
}

test("found: a source key that is not kebab-case, an address that is not https", () => {
  assert.equal(problemsOfSources({ Bad_Key: { title: "t", url: "http://example.org" } }).length, 2);
});
