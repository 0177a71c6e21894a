// The fields of a scenario, as describe() of the library tells them.
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import { root } from "../../scripts/support/run.mjs";

const { describe, estimate } = await import(pathToFileURL(join(root, "dist/lib/index.js")));
const { fields } = await describe();
const of = (path, engine) => fields.filter((field) => field.path === path && (!engine || field.engines.includes(engine)));

test("every field of the contract's groups is told, under the engines that read it", () => {
  for (const path of ["task", "weights", "engine.name", "inference.contextTokens", "training.lora.rank", "parallel.tensor", "hardware.count", "quick.bytesPerSample", "detail", "questions"])
    assert.ok(of(path).length > 0, path);
  assert.deepEqual(of("engine.options.max_num_seqs").map(({ kind, engines }) => [kind, engines]), [["count", ["vllm"]]]);
  assert.deepEqual(of("inference.width").map(({ kind, default: usual, engines }) => [kind, usual % 8, engines]), [["count", 0, ["diffusers"]]]);
  assert.equal(of("hardware.memory")[0].unit, "bytes");
  assert.equal("default" in of("hardware.memory")[0], false);
  assert.deepEqual(of("task").map((field) => field.default), ["inference"]);
  assert.deepEqual(of("parallel.zero", "fsdp").map((field) => field.default), [3]);
  assert.equal(fields.some(({ path }) => path.startsWith("model.config.")), false);
});

test("a default given changes no answer, and a number outside its range is refused", async () => {
  const scenario = { model: { id: "Qwen/Qwen3-0.6B" }, task: "training", hardware: { gpu: "nvidia/rtx-4090" } };
  const own = (await describe(scenario)).fields;
  const before = await estimate(scenario);
  const put = (path, value) => path.split(".").reduceRight((inner, name, i, names) => ({ [name]: i === names.length - 1 ? value : { ...scenario[names[0]], ...inner } }), undefined);
  for (const { path, default: usual, least, kind } of own.filter(({ path }) => /^training\.\w+$/.test(path))) {
    if (usual !== undefined) assert.deepEqual(await estimate({ ...scenario, ...put(path, usual) }), before, path);
    if (kind === "count") {
      const refused = await estimate({ ...scenario, ...put(path, least - 1) });
      assert.deepEqual(refused.issues?.map((issue) => [issue.path, issue.code]), [[path, "out-of-range"]]);
    }
  }
  assert.ok(own.some(({ path }) => path === "training.microBatch"));
});

test("defaults are those of the scenario's model and card", async () => {
  const usual = async (scenario, path) => (await describe(scenario)).fields.find((field) => field.path === path).default;
  assert.equal(await usual({ model: { id: "openai-community/gpt2" } }, "inference.contextTokens"), 1024);
  const vllm = { model: { id: "Qwen/Qwen3-8B" }, engine: { name: "vllm" } };
  assert.equal(await usual(vllm, "engine.options.max_num_seqs"), 256);
  assert.equal(await usual({ ...vllm, hardware: { gpu: "nvidia/h100-sxm-80gb" } }, "engine.options.max_num_seqs"), 1024);
});
