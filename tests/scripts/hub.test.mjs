// Models on a hub: which requests are made, and what is said where the hub answers otherwise.
import assert from "node:assert/strict";
import test from "node:test";
import { accessToken, startHub } from "../support/fake_hub.mjs";
import { importTypeScript } from "../support/typescript.mjs";

const { readHub } = await importTypeScript("web/src/import/hub.ts");
const hub = await startHub();
test.after(hub.close);
const read = (id, { token, signal = new AbortController().signal, path, quantization, base = hub.address } = {}) =>
  readHub({ hub: "huggingface", id, path, quantization }, { base, token, signal, progress: () => {} }, {});

test("of a checkpoint in shards the headers are asked for, in parts, and nothing else", async () => {
  hub.asked.length = 0;
  const { model, notes } = await read("someone/sharded");
  assert.equal(Object.keys(model.safetensors.header).length, 21);
  assert.equal(model.safetensors.config.hidden_size, 64);
  assert.deepEqual(notes, []);
  const weights = hub.asked.filter(({ path }) => path.endsWith(".safetensors"));
  assert.deepEqual(weights.map(({ range }) => range), ["bytes=0-262143", "bytes=0-262143"]);
  assert.ok(hub.asked.every(({ authorization }) => authorization === undefined));
});

test("a repository of several GGUF files asks which one, and a file type behind the id says it", async () => {
  const { files } = await read("someone/small-GGUF");
  assert.deepEqual(files, ["small-Q8_0.gguf", "small-Q4_K_M.gguf"]);
  const { model } = await read("someone/small-GGUF", { quantization: "Q4_K_M" });
  assert.equal(model.gguf.tensors[0].type, "Q4_K");
  assert.equal((await read("someone/small-GGUF", { path: "small-Q8_0.gguf" })).model.gguf.tensors[0].type, "Q8_0");
  await assert.rejects(read("someone/small-GGUF", { quantization: "Q2_K" }), /no file of the type Q2_K/);
});

test("without safetensors the config.json counts", async () => {
  const { model, notes } = await read("someone/config-only");
  assert.equal(model.config.hidden_size, 64);
  assert.equal(notes.length, 1);
});

test("a token opens what is gated, and goes to no other host", async () => {
  await assert.rejects(read("someone/gated"), /gated, private or does not exist/);
  await assert.rejects(read("someone/gated", { token: "wrong" }), /refuses the token/);
  hub.asked.length = 0;
  assert.ok((await read("someone/gated", { token: accessToken })).model.safetensors);
  assert.ok(hub.asked.every(({ authorization }) => authorization === `Bearer ${accessToken}`));
});

for (const [id, said] of [
  ["someone/missing", /no such model/], ["someone/limited", /in 30 seconds/], ["someone/down", /error 503/], ["someone/broken", /damaged/],
  ["someone/huge", /larger than 32|header lies/], ["someone/page", /web page in place/], ["someone/lying", /cut off, or its header lies/],
]) test(`what is wrong is said: ${id}`, () => assert.rejects(read(id), said));

test("a hub that is not there, and a request that is called off", async () => {
  await assert.rejects(read("someone/sharded", { base: "http://127.0.0.1:9" }), /cannot be reached/);
  const control = new AbortController();
  const reading = read("someone/slow", { signal: control.signal });
  setTimeout(() => control.abort(), 50);
  await assert.rejects(reading, { name: "AbortError" });
});
