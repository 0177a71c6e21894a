// Files of models, whole and damaged: only their headers are read, and never more than a bound.
import assert from "node:assert/strict";
import test from "node:test";
import { importTypeScript } from "../support/typescript.mjs";
import { ggufHeader, safetensorsFile, smallConfig, smallGguf, smallShards } from "../support/model_files.mjs";

const { readFiles } = await importTypeScript("web/src/import/files.ts");
const { readGguf } = await importTypeScript("web/src/import/gguf.ts");
const { readSafetensors } = await importTypeScript("web/src/import/safetensors.ts");
const { hubAddress } = await importTypeScript("web/src/import/hub_address.ts");
const models = { "meta-llama/Llama-3.1-8B": {} };

/** Counts what was read of it. */
function source(name, bytes, size = bytes.length) {
  const one = { name, size, taken: 0, read: async (start, end) => {
    const part = bytes.subarray(start, Math.min(end, bytes.length));
    one.taken += part.length;
    return new Uint8Array(part);
  } };
  return one;
}
const json = (name, value) => source(name, Buffer.from(JSON.stringify(value)));

test("a GGUF header gives metadata and tensors, without its vocabulary", async () => {
  const { header, tensors } = smallGguf();
  const file = source("small.gguf", header, 4e10);
  const { metadata, tensors: read } = await readGguf(file);
  assert.equal(metadata["llama.block_count"], 2);
  assert.equal(metadata["tokenizer.ggml.tokens"], undefined);
  assert.deepEqual(read.map(({ name, type, shape }) => [name, type, shape]), tensors);
});

test("a vocabulary of 30 MB is passed over, part by part", async () => {
  const words = Array.from({ length: 300_000 }, (_, i) => `${i}`.padEnd(100, "x"));
  const { tensors } = await readGguf(source("long.gguf", ggufHeader({ "general.architecture": "x", "tokenizer.ggml.tokens": words }, [["a", "F16", [4, 4]]])));
  assert.deepEqual(tensors, [{ name: "a", type: "F16", shape: [4, 4] }]);
});

test("damaged and hostile GGUF headers are refused, with a sentence", async () => {
  const { header } = smallGguf();
  const counted = (count) => ggufHeader({}, [], { count });
  const longName = Buffer.concat([Buffer.from("GGUF"), Buffer.from(Uint32Array.of(3).buffer), Buffer.from(BigUint64Array.of(0n, 1n, 2n ** 63n).buffer)]);
  for (const [bytes, expected] of [
    [Buffer.from("GGML..........................."), /does not begin with "GGUF"/], [header.subarray(0, 5000), /cut off/], [header.subarray(0, 10), /cut off/],
    [counted(2 ** 40), /which no model has/], [counted(50), /cut off/], [longName, /damaged/], [ggufHeader({}, [], { version: 1 }), /version 1/],
    [ggufHeader({}, [["a", 99, [1]]]), /ggml's type 99/], [Buffer.concat([Buffer.from("GGUF"), Buffer.from([0, 0, 0, 3]), Buffer.alloc(30)]), /big-endian/],
  ]) await assert.rejects(readGguf(source("x.gguf", bytes)), (error) => expected.test(error.message));
});

test("a header that never ends is given up", async () => {
  const endless = { name: "x.gguf", size: 4e11, read: async (start, end) => {
    const bytes = Buffer.alloc(end - start, 1);
    if (start === 0) ggufHeader({}, [], { count: 1 }).subarray(0, 24).copy(bytes);
    return new Uint8Array(bytes);
  } };
  await assert.rejects(readGguf(endless), /damaged|larger than|cut off/);
  const lying = Buffer.concat([Buffer.from(BigUint64Array.of(90_000_000n).buffer), Buffer.alloc(100)]);
  await assert.rejects(readSafetensors(source("x.safetensors", lying, 4e11)), /larger than 32/);
});

test("a safetensors header gives dtypes and shapes; of the tensors nothing is read", async () => {
  const file = source("x.safetensors", safetensorsFile({ a: ["BF16", [1000, 1000]], b: ["F32", []] }));
  assert.deepEqual(await readSafetensors(file), { a: { dtype: "BF16", shape: [1000, 1000] }, b: { dtype: "F32", shape: [] } });
  assert.ok(file.taken < 300_000, `${file.taken}`);
});

test("damaged and hostile safetensors headers are refused, with a sentence", async () => {
  const raw = (header, size) => {
    const bytes = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
    return source("x.safetensors", Buffer.concat([Buffer.from(BigUint64Array.of(BigInt(bytes.length)).buffer), bytes, Buffer.alloc(64)]), size);
  };
  const row = (shape, data_offsets, dtype = "F32") => ({ a: { dtype, shape, data_offsets } });
  for (const [file, expected] of [
    [raw("not json"), /not JSON/], [raw("[1]"), /not JSON/], [raw(row([4], [0, 17])), /is not what its dtype/], [raw(row([1e6], [0, 4e6])), /cut off, or its header lies/],
    [raw(row([-1], [0, 4])), /no dtype, shape/], [raw({ a: null }), /no dtype, shape/], [raw(row([1], [0, 4]), 12), /cut off/],
    [source("x.safetensors", Buffer.alloc(4)), /cut off/], [source("x.safetensors", Buffer.from("PK\x03\x04 some other file")), /no safetensors file/],
  ]) await assert.rejects(readSafetensors(file), (error) => expected.test(error.message));
  assert.deepEqual(Object.keys(await readSafetensors(raw('{"__proto__": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}'))).length, 0);
});

test("shards, index and config.json together are one model; what is missing is named", async () => {
  const { files, index } = smallShards();
  const shards = Object.entries(files).map(([name, tensors]) => source(name, safetensorsFile(tensors)));
  const all = [...shards, json("model.safetensors.index.json", index), json("config.json", smallConfig), json("tokenizer.json", {}), json("generation_config.json", { model_type: "x" })];
  const { model, notes } = await readFiles(all, models);
  assert.equal(Object.keys(model.safetensors.header).length, Object.keys(index.weight_map).length);
  assert.deepEqual(model.safetensors.config, smallConfig);
  assert.deepEqual(notes, []);
  await assert.rejects(readFiles(all.slice(1), models), /model-00001-of-00002.safetensors/);
  await assert.rejects(readFiles([shards[0], shards[0]], models), /two of the files/);
  const { notes: alone } = await readFiles([shards[0]], models);
  assert.match(alone[0], /config.json/);
});

test("parts of a split GGUF file are merged, and none may be missing", async () => {
  const part = (number, tensors) => source(`m-0000${number}-of-00002.gguf`, ggufHeader({ ...(number === 1 && { "general.architecture": "x", "x.block_count": 1 }), "split.no": number - 1, "split.count": 2 }, tensors));
  const both = [part(2, [["b", "F16", [2]]]), part(1, [["a", "F16", [2]]])];
  const { model } = await readFiles(both, models);
  assert.deepEqual([model.gguf.metadata["x.block_count"], model.gguf.tensors.length], [1, 2]);
  await assert.rejects(readFiles(both.slice(1), models), /split into 2 parts and 1 were given/);
});

test("an adapter sets the training, a pipeline's folder its components", async () => {
  const adapter = { peft_type: "LORA", r: 32, lora_dropout: 0.1, target_modules: ["q_proj", "v_proj"], use_dora: true, rank_pattern: { a: 4 }, base_model_name_or_path: "meta-llama/Llama-3.1-8B" };
  const { model, scenario, notes } = await readFiles([json("adapter_config.json", adapter)], models);
  assert.equal(model.id, "meta-llama/Llama-3.1-8B");
  assert.deepEqual(scenario.training, { method: "dora", lora: { rank: 32, dropout: 0.1, targets: ["q_proj", "v_proj"] } });
  assert.match(notes[0], /rank_pattern/);
  const index = { _class_name: "FluxPipeline", _diffusers_version: "0.30", transformer: ["diffusers", "FluxTransformer2DModel"], scheduler: ["diffusers", "X"], vae: ["diffusers", "AutoencoderKL"] };
  const folder = [json("flux/model_index.json", index), json("flux/transformer/config.json", { _class_name: "FluxTransformer2DModel" }), json("flux/scheduler/config.json", {})];
  const pipeline = await readFiles(folder, models);
  assert.deepEqual(pipeline.model.config, { _class_name: "FluxPipeline", components: { transformer: { _class_name: "FluxTransformer2DModel" } } });
  assert.match(pipeline.notes[0], /vae/);
  await assert.rejects(readFiles(folder.slice(0, 1), models), /whole folder/);
});

test("every form of an id and an address of a model is understood", () => {
  const id = "Qwen/Qwen3-8B", hub = "huggingface";
  for (const [typed, expected] of [
    [id, { hub, id }], [`https://huggingface.co/${id}`, { hub, id }], [`huggingface.co/${id}/`, { hub, id }], [`https://hf.co/${id}/tree/refs`, { hub, id, revision: "refs" }],
    [`https://huggingface.co/${id}/blob/main/config.json?x=1#L3`, { hub, id, revision: "main", path: "config.json" }],
    [`https://hf-mirror.com/${id}/resolve/main/a/b.gguf?download=true`, { hub, id, revision: "main", path: "a/b.gguf" }],
    ["unsloth/Qwen3-8B-GGUF:Q4_K_M", { hub, id: "unsloth/Qwen3-8B-GGUF", quantization: "Q4_K_M" }], ["hf:gpt2", { hub, id: "gpt2" }],
    [`https://modelscope.cn/models/${id}/files`, { hub: "modelscope", id }], [`https://www.modelscope.cn/models/${id}`, { hub: "modelscope", id }],
  ]) assert.deepEqual(hubAddress(typed), expected, typed);
  for (const wrong of ["https://huggingface.co/datasets/a/b", "datasets/a/b", "https://huggingface.co/spaces/a/b", "https://example.com/a/b", "../..", "a/../b", "https://huggingface.co/"])
    assert.throws(() => hubAddress(wrong), /is no model|no model hub|form owner|no model's id/, wrong);
  for (const other of ["vllm serve x/y", "gpt2", "{}"]) assert.equal(hubAddress(other), undefined, other);
});
