import assert from "node:assert/strict";
import test from "node:test";
import { expandedRows, parseQuantity, problemsOfRow, problemsOfSources } from "../../scripts/catalog_schema.mjs";
import { readCatalog } from "../../scripts/support/catalog.mjs";

// Reading checks every file against the schema and fails with a list of what is wrong.
const catalog = readCatalog();

test("every file of the catalog keeps to the schema", () => {
  for (const kind of ["formats", "quantizations", "optimizers", "overheads", "gpus", "models"]) {
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

test("the catalog is as large as it says", () => {
  assert.ok(Object.keys(catalog.models).length >= 450);
  assert.ok(Object.keys(catalog.gpus).length >= 215);
});

test("memory that is shared with the processor says what the GPU gets, where that is known", () => {
  for (const [id, { shared, usableShare, reported }] of Object.entries(catalog.gpus)) {
    assert.ok(usableShare === undefined || (shared && usableShare > 0.5), `${id}: ${usableShare}`);
    assert.ok(!(usableShare && reported), `${id}: a share of what is reported, or of the memory?`);
    if (id.startsWith("apple/")) assert.ok(usableShare, id);
  }
});

test("every measurement of an overhead lies in its band", () => {
  for (const [id, { low, high, lowShare, highShare, measurements = [] }] of Object.entries(catalog.overheads)) {
    for (const { value, of } of measurements) {
      const measured = of ? parseQuantity(value) / parseQuantity(of) : parseQuantity(value);
      const [least, most] = of ? [lowShare, highShare] : [parseQuantity(low), parseQuantity(high)];
      assert.ok(least <= measured && measured <= most, `${id}: ${value} is outside ${least} … ${most}`);
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
const model = { config: { model_type: "x" }, parameters: 8, source: "known" };
const card = { name: "G", memory: "24 GiB", class: "consumer", architecture: "A", memoryType: "HBM", gpusPerNode: 1, year: 2020 };
const gpu = { ...card, sources: ["known"] };

test("right rows have no problems", () => {
  assert.deepEqual(problemsOfRow("formats", format, sources), []);
  assert.deepEqual(problemsOfRow("overheads", overhead, sources), []);
  assert.deepEqual(problemsOfRow("models", model, sources), []);
  const pipeline = { _class_name: "SomePipeline", components: { vae: { _class_name: "Vae" } } };
  assert.deepEqual(problemsOfRow("models", { ...model, config: pipeline, confirmed: false, note: "why" }, sources), []);
  assert.deepEqual(problemsOfRow("gpus", { ...gpu, power: "700 W", bandwidth: "3352 GB/s", unverified: ["power"] }, sources), []);
  assert.deepEqual(problemsOfSources(sources), []);
});

test("a file stands for one row for every choice of its parameters", () => {
  const file = { each: { bits: [4, 8], group: [128, -1] }, blockElements: 8, blockBytes: "bits", extras: [{ what: "zero", bytes: "bits / 8", columns: "group" }], source: "known" };
  const rows = expandedRows("q-{bits}-{group}", file);
  assert.deepEqual(Object.keys(rows), ["q-4-128", "q-4--1", "q-8-128", "q-8--1"]);
  assert.deepEqual(rows["q-4--1"], { blockElements: 8, blockBytes: 4, extras: [{ what: "zero", bytes: 0.5, columns: 0 }], source: "known" });
  for (const row of Object.values(rows)) assert.deepEqual(problemsOfRow("formats", row, sources), []);
  assert.deepEqual(expandedRows("plain", format), { plain: format });
});

test("quantisations and fallbacks name formats that exist", () => {
  const named = new Set(Object.values(catalog.quantizations).flatMap(({ base, rules = [] }) => [base, ...rules.map((rule) => rule.format)]));
  for (const name of named) assert.ok(name === "compute" || catalog.formats[name], name);
  for (const { fallback } of Object.values(catalog.formats)) assert.ok(!fallback || catalog.formats[fallback], fallback);
});

const wrong = {
  "a rule for no role": ["quantizations", { kind: "gguf", base: "fp16", rules: [{ tensors: ["all"], format: "fp16" }], source: "known" }, /must be one of any/],
  "an unknown field": ["formats", { ...format, bits: 4.5 }, /bits is not a known field/],
  "a missing source": ["formats", { blockElements: 1, blockBytes: 2 }, /source is missing/],
  "a source that does not exist": ["formats", { ...format, source: "hearsay" }, /hearsay/],
  "a bare number of bytes": ["overheads", { ...overhead, high: 3145728 }, /high must be a quantity/],
  "an unparsable quantity": ["gpus", { name: "G", memory: "24 GIGS", sources: ["known"] }, /memory must be a quantity/],
  "a band out of order": ["overheads", { ...overhead, low: "9 MiB" }, /not in order/],
  "a band out of nowhere": ["overheads", { ...overhead, measurements: undefined }, /a note must say/],
  "half a band": ["overheads", { ...overhead, high: undefined, highShare: 0.1 }, /needs either/],
  "a measurement without a source": ["overheads", { ...overhead, measurements: [{ value: "1 B", case: "x" }] }, /\[0\]source is missing/],
  "a fractional count": ["models", { config: { model_type: "x" }, parameters: 1.5, source: "known" }, /parameters must be an integer/],
  "a configuration of nothing": ["models", { ...model, config: { hidden_size: 8 } }, /model_type/],
  "a published figure that is no other": ["models", { ...model, published: { parameters: 8, difference: "none" } }, /the same as/],
  "a published figure without the reason": ["models", { ...model, published: { parameters: 9 } }, /difference is missing/],
  "an unconfirmed count without a word": ["models", { ...model, confirmed: false }, /a note must say why/],
  "an unverified field that is not there": ["gpus", { ...gpu, unverified: ["power"] }, /power, which is not given/],
  "a rate without its unit": ["gpus", { ...gpu, bandwidth: "3 TB" }, /must be a rate/],
  "something that is no row": ["formats", [], /must be an object/],
};
for (const [what, [kind, row, message]] of Object.entries(wrong)) {
  test(`found: ${what}`, () => assert.match(problemsOfRow(kind, row, sources).join("; "), message));
}

test("found: a source key that is not kebab-case, an address that is not https", () => {
  assert.equal(problemsOfSources({ Bad_Key: { title: "t", url: "http://example.org" } }).length, 2);
});
