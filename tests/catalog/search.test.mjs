import assert from "node:assert/strict";
import test from "node:test";
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { importTypeScript } from "../support/typescript.mjs";

const { search } = await importTypeScript("web/src/catalog/search.ts");
const catalog = readCatalog();
const models = Object.keys(catalog.models).map((id) => ({ id }));
const gpus = Object.entries(catalog.gpus).map(([id, { name }]) => ({ id, name }));
const idsOf = (query, entries) => search(query, entries).map(({ id }) => id);

const firsts = {
  "llama 70b": /^meta-llama\/.*70b/i,
  "qwen3 8b": /^Qwen\/Qwen3-8B$/,
  "8b qwen3": /^Qwen\/Qwen3-8B$/,
  "lama3 8b": /^meta-llama\/Meta-Llama-3-8B$/,
  "mistrall 7b": /^mistralai\/Mistral-7B-/,
  "llama3.1 8b": /^meta-llama\/Llama-3\.1-8B$/,
  "LLAMA-3.1-8B": /^meta-llama\/Llama-3\.1-8B$/,
  "meta-llama/Llama-3.1-8B": /^meta-llama\/Llama-3\.1-8B$/,
  "deepseekv3": /^deepseek-ai\/DeepSeek-V3$/,
  "depseek r1": /^deepseek-ai\/DeepSeek-R1$/,
  "gema 2 9b": /^google\/gemma-2-9b-it$/,
  "gpt2": /^openai-community\/gpt2$/,
  "stable difusion xl": /^stabilityai\/stable-diffusion-xl-base-1\.0$/,
  "mixtral 8x7b": /^mistralai\/Mixtral-8x7B-v0\.1$/,
  "wisper large": /^openai\/whisper-large-v/,
};
for (const [query, expected] of Object.entries(firsts)) {
  test(`the first model for "${query}"`, () => assert.match(idsOf(query, models)[0], expected));
}

const firstGpus = {
  4090: /^nvidia\/rtx-4090$/,
  rtx4090: /^nvidia\/rtx-4090$/,
  h100: /^nvidia\/h100-/,
  "h100 sxm": /^nvidia\/h100-sxm-80gb$/,
  "a100 80": /^nvidia\/a100-80gb$/,
  "a100 40gb": /^nvidia\/a100-40gb$/,
  mi300x: /^amd\/mi300x$/,
  "gefroce 3090": /^nvidia\/rtx-3090$/,
  "m3 max 64": /^apple\/m3-max-40-core-64gb$/,
};
for (const [query, expected] of Object.entries(firstGpus)) {
  test(`the first card for "${query}"`, () => assert.match(idsOf(query, gpus)[0], expected));
}

test("an empty query keeps every entry in its order, and nonsense finds nothing", () => {
  assert.deepEqual(search("  ", models), models);
  assert.notEqual(search("", models), models);
  for (const nothing of ["zzzzqqq", "llama 71b", "4091"]) assert.deepEqual(search(nothing, [...models, ...gpus]), []);
});

test("what is nearer stands first", () => {
  const entries = [{ id: "o/mistral-nemo-7b-long-name" }, { id: "o/mistral-7b" }, { id: "o/mistral-70b" }, { id: "o/mistrel-7b" }];
  assert.deepEqual(idsOf("mistral 7b", entries), ["o/mistral-7b", "o/mistral-nemo-7b-long-name", "o/mistrel-7b"]);
  assert.deepEqual(idsOf("mistral 7", entries).length, 4);
  assert.deepEqual(idsOf("msitral 70b", entries), ["o/mistral-70b"]);
});

test("every id finds itself first", () => {
  for (const entries of [models, gpus]) for (const { id } of entries) assert.equal(idsOf(id, entries)[0], id);
});
