// The values of a sweep, and the search for layouts, without a page.
import assert from "node:assert/strict";
import test from "node:test";
import { loadEngine } from "../support/engine.mjs";
import { factsOf } from "../support/facts.mjs";
import { importTypeScript } from "../support/typescript.mjs";

const { valuesOf, pointOf, countOf } = await importTypeScript("web/src/sweep/axes.ts");
const { layoutsFor } = await importTypeScript("web/src/plan/layouts.ts");
const engine = await loadEngine();

test("values are listed, doubled, or gone through in steps", () => {
  assert.deepEqual(valuesOf("1,024"), [1, 24]);
  assert.deepEqual(valuesOf("bf16, nf4-dq"), ["bf16", "nf4-dq"]);
  assert.deepEqual(valuesOf("1000..7000"), [1000, 2000, 4000]);
  assert.deepEqual(valuesOf("0..4"), [0, 1, 2, 4]);
  assert.deepEqual(valuesOf("1..10/4, 100"), [1, 5, 9, 100]);
  assert.deepEqual(valuesOf("true,false"), [true, false]);
  assert.equal(valuesOf(" "), undefined);
  assert.equal(valuesOf("1..20000/1"), undefined);
  assert.equal(valuesOf("1..9000000000000000/1"), undefined);
});

test("points go through every combination, the last field fastest", () => {
  const axes = [{ path: "a", values: [1, 2] }, { path: "b", values: ["x", "y", "z"] }];
  assert.equal(countOf(axes), 6);
  assert.deepEqual(Array.from({ length: 6 }, (_, i) => pointOf(axes, i).join("")), ["1x", "1y", "1z", "2x", "2y", "2z"]);
});

function planned(scenario, gpus) {
  const search = layoutsFor(scenario, gpus, { models: {}, gpus: {} });
  const asked = [];
  let step = search.next();
  while (!step.done) {
    asked.push(step.value);
    step = search.next(JSON.parse(engine.estimate(step.value, factsOf(step.value))));
  }
  return { found: step.value, asked };
}

test("plans use every GPU, fit, and come with the least recomputation and the narrowest first", () => {
  const scenario = { model: { id: "meta-llama/Llama-3.1-70B" }, task: "training", engine: { name: "megatron" }, hardware: { gpu: "nvidia/h100-sxm-80gb" } };
  const { found } = planned(scenario, 64);
  assert.ok(found.length > 1);
  const levels = ["none", "selective", "full"];
  for (const [i, { degrees, copies, spread, usable, expected, again }] of found.entries()) {
    const { tensor = 1, pipeline = 1, context = 1, data = 1 } = degrees;
    assert.equal(tensor * pipeline * context * data, 64);
    assert.deepEqual([copies, spread], [data, tensor * pipeline * context]);
    assert.ok(expected <= usable);
    const before = found[i - 1];
    if (before) assert.ok(levels.indexOf(before.again) * 1000 + before.spread <= levels.indexOf(again) * 1000 + spread);
  }
});

test("plain PyTorch is offered the ways that shard, and a model that fits nowhere has no plan", () => {
  const scenario = { model: { id: "meta-llama/Llama-3.1-8B" }, task: "training", hardware: { gpu: "nvidia/h100-sxm-80gb" } };
  assert.deepEqual(new Set(planned(scenario, 8).found.map(({ engine }) => engine)), new Set(["torch", "deepspeed", "fsdp"]));
  assert.deepEqual(planned({ ...scenario, hardware: { memory: "1 GiB" } }, 8).found, []);
});

test("a sequence too long for one GPU is shared by ranks that share linears", () => {
  const training = { precision: "bf16", checkpointing: "full", microBatch: 1, sequenceTokens: 131072 };
  const scenario = { model: { id: "meta-llama/Llama-3.1-8B" }, task: "training", engine: { name: "fsdp" }, training, hardware: { gpu: "nvidia/h100-sxm-80gb" } };
  const { found } = planned(scenario, 16);
  assert.deepEqual(found.map(({ degrees }) => degrees), [{ tensor: 8, data: 2, zero: 3 }]);
});
