import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { generateForCore, generateForWeb, rowsForWeb } from "../../scripts/generate_catalog.mjs";
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { root } from "../../scripts/support/run.mjs";
import { importTypeScript } from "../support/typescript.mjs";

const { unpackModels, unpackGpus } = await importTypeScript("web/src/catalog/unpack.ts");

const folder = mkdtempSync(join(tmpdir(), "gpumem-catalog-"));
test.after(() => rmSync(folder, { recursive: true }));

test("the core's header holds a row for every format, optimizer and overhead, with bytes as numbers", () => {
  generateForCore(folder);
  const header = readFileSync(join(folder, "gpumem_catalog.hpp"), "utf8");
  const { formats, optimizers, overheads } = readCatalog();
  for (const id of Object.keys({ ...formats, ...optimizers, ...overheads })) assert.ok(header.includes(`{"${id}", `), id);
  assert.ok(header.includes('{"bf16", 1, 2, '));
  assert.ok(header.includes('{"cublas-workspace-training", 8519680, 17039360, 17039360, 0, 0, 0, '));
});

test("the core's bibliography holds what its rows and its formulas cite, and not that of models and cards", () => {
  generateForCore(folder);
  const header = readFileSync(join(folder, "gpumem_catalog.hpp"), "utf8");
  const { sources, formats, optimizers, overheads } = readCatalog();
  const held = Object.keys(sources).filter((key) => header.includes(`{"${key}", "${sources[key].title}`));
  for (const { source } of Object.values({ ...formats, ...optimizers, ...overheads })) assert.ok(held.includes(source), source);
  for (const key of ["transformers", "pytorch-derivatives"]) assert.ok(held.includes(key), key);
  assert.ok(held.length < Object.keys(sources).length / 2, `${held.length} sources`);
});

test("an unchanged file is not written again", () => {
  const path = join(folder, "gpumem_catalog.hpp");
  generateForCore(folder);
  const longAgo = new Date(2001, 1, 1);
  utimesSync(path, longAgo, longAgo);
  generateForCore(folder);
  assert.deepEqual(statSync(path).mtime, longAgo);
});

test("the page gets configurations and counts, and no sources", () => {
  generateForWeb(folder);
  const read = (name) => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
  const [models, gpus] = [unpackModels(read("models.packed")), unpackGpus(read("gpus.packed"))];
  assert.deepEqual(Object.keys(models["meta-llama/Llama-3.1-8B"]), ["config", "parameters"]);
  assert.equal(models["meta-llama/Llama-3.1-8B"].parameters, 8030261248);
  assert.deepEqual(gpus["nvidia/h100-sxm-80gb"], { name: "H100 SXM 80GB", memory: "80 GiB", reported: "81559 MiB", computeCapability: 9, class: "datacenter" });
});

test("what is shown first is one model and one card of them", () => {
  generateForWeb(folder);
  const { models, gpus } = JSON.parse(readFileSync(join(folder, "first.json"), "utf8"));
  const all = rowsForWeb();
  for (const [rows, first] of [[all.models, models], [all.gpus, gpus]]) {
    const [[id, row], ...others] = Object.entries(first);
    assert.deepEqual([row, others], [rows[id], []]);
  }
});

test("a wrong row is named with its file", () => {
  const copy = join(folder, "wrong");
  cpSync(join(root, "core/catalog"), copy, { recursive: true });
  writeFileSync(join(copy, "formats/fp5.json"), '{"blockElements": 1}');
  assert.throws(() => readCatalog(copy), /formats\/fp5\.json: blockBytes is missing[\s\S]*formats\/fp5\.json: source is missing/);
  writeFileSync(join(copy, "formats/fp5.json"), "{");
  assert.throws(() => readCatalog(copy), /formats\/fp5\.json/);
});

test("the command ends with 1 and says how it is called", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts/generate_catalog.mjs")], { encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /Usage/);
});
