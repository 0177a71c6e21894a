// gpumem estimate --model: files of models on disk.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { gpumem } from "../support/cli.mjs";
import { safetensorsFile, smallConfig, smallGguf, smallShards } from "../support/model_files.mjs";

const folder = mkdtempSync(join(tmpdir(), "gpumem-models-"));
test.after(() => rmSync(folder, { recursive: true }));
const write = (name, content) => {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, Buffer.isBuffer(content) ? content : JSON.stringify(content));
  return path;
};

test("a GGUF file is the scenario's model, and only its header is read", async () => {
  const { header, numbers } = smallGguf();
  const path = write("small-Q8_0.gguf", header);
  truncateSync(path, 40e9);
  const { status, out } = await gpumem(["estimate", "--json", "--model", path]);
  assert.equal(status, 0);
  const answer = JSON.parse(out);
  assert.equal(answer.scenario.engine.name, "llama.cpp");
  assert.equal(answer.modelFile.tensorBytes, ((numbers - 256) / 32) * 34 + 256 * 4);
});

test("an index brings its shards and the config.json beside it; a scenario says the rest", async () => {
  const { files, index } = smallShards("F32");
  for (const [name, tensors] of Object.entries(files)) write(`model/${name}`, safetensorsFile(tensors));
  write("model/config.json", smallConfig);
  const scenario = write("scenario.json", { inference: { contextTokens: 128 } });
  const { out } = await gpumem(["estimate", scenario, "--json", "--model", write("model/model.safetensors.index.json", index)]);
  const answer = JSON.parse(out);
  assert.equal(answer.scenario.inference.contextTokens, 128);
  assert.ok(answer.assumptions.some(({ id }) => id === "weights-as-stored"));
  assert.equal(answer.modelFile.tensorBytes, answer.parameters.total * 4);
});

test("a file that is none, and one that is not there, are said", async () => {
  for (const [path, said] of [[write("x.gguf", Buffer.from("no")), /cut off/], [join(folder, "missing.gguf"), /cannot be read/], [write("x.safetensors", Buffer.alloc(100)), /no safetensors file/]]) {
    const { status, err } = await gpumem(["estimate", "--model", path]);
    assert.equal(status, 2);
    assert.match(err, said);
  }
});
