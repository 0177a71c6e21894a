import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { generateForWeb, rowsForWeb } from "../../scripts/generate_catalog.mjs";
import { packModels, packRows } from "../../scripts/support/pack_catalog.mjs";
import { importTypeScript } from "../support/typescript.mjs";

const { unpackModels, unpackGpus } = await importTypeScript("web/src/catalog/unpack.ts");

const folder = mkdtempSync(join(tmpdir(), "gpumem-pack-"));
test.after(() => rmSync(folder, { recursive: true }));
generateForWeb(folder);
const textOf = (name) => readFileSync(join(folder, `${name}.json`), "utf8");
const read = (name) => JSON.parse(textOf(name));

test("unpacked, the catalog is what was packed", () => {
  const { models, gpus } = rowsForWeb();
  assert.deepEqual(unpackModels(read("models.packed")), models);
  assert.deepEqual(unpackGpus(read("gpus.packed")), gpus);
  assert.deepEqual(Object.keys(unpackModels(read("models.packed"))), Object.keys(models));
});

test("the packed catalog weighs at most 28 kB gzipped, and 110 kB as it is", (t) => {
  const texts = ["models.packed", "gpus.packed"].map(textOf);
  const gzipped = texts.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0);
  const plain = texts.reduce((sum, text) => sum + text.length, 0);
  t.diagnostic(`${gzipped} bytes gzipped, ${plain} as they are`);
  assert.ok(gzipped <= 28_000, `${gzipped} bytes gzipped`);
  assert.ok(plain <= 110_000, `${plain} bytes`);
});

test("fields that come, go and change, nested ones too, survive", () => {
  const models = {
    "a/first": { config: { model_type: "x", hidden: 8, inner: { a: 1, b: null, deep: { list: [1, 2] } }, layers: Array(9).fill("full") }, parameters: 7 },
    "a/gone": { config: { model_type: "x", inner: { b: null, deep: { list: [] } }, layers: [] }, parameters: 8 },
    "a/other": { config: { model_type: "x", hidden: 8, inner: 3, layers: [[1, 2], [1, 2], [1, 2], [1, 2], [1, 2], [1, 2]] }, parameters: 9 },
    "b/back": { config: { model_type: "x", hidden: { now: { an: "object" } }, layers: null }, parameters: 1 },
  };
  assert.deepEqual(unpackModels(JSON.parse(JSON.stringify(packModels(models)))), models);
});

test("a field whose name means something here is refused", () => {
  for (const name of ["-", "~x", "*"]) assert.throws(() => packModels({ "a/a": { config: { [name]: 1 }, parameters: 1 } }), /cannot be packed/);
});

test("a column holds null where a row lacks the field", () => {
  const rows = { "v/one": { name: "One", share: 0.5 }, "v/two": { name: "Two", share: undefined } };
  assert.deepEqual(packRows(rows), { id: ["v/one", "v/two"], name: ["One", "Two"], share: [0.5, null] });
  assert.deepEqual(unpackGpus(packRows(rows)), { "v/one": { name: "One", share: 0.5 }, "v/two": { name: "Two" } });
});
