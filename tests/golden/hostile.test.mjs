// Whatever a page's visitor pastes, the engine answers it with valid JSON and goes on answering.
import assert from "node:assert/strict";
import test from "node:test";
import { loadEngine } from "../support/engine.mjs";
import { factsOf } from "../support/facts.mjs";
import { smallest } from "./grid.mjs";

const engine = await loadEngine();
const id = "meta-llama/Llama-3.2-1B";
const { config } = factsOf({ model: { id } });
const good = { model: { id }, task: "inference", hardware: { memory: "24 GiB" }, detail: "summary" };
const answerToGood = engine.estimate(good, factsOf(good));

/** The answer to a hostile scenario; what must hold for each of them is checked on the way. */
function survive(scenario, what) {
  const text = engine.estimate(scenario, factsOf(scenario));
  assert.ok(text.isWellFormed(), what);
  const answer = JSON.parse(text);
  if (answer.ok) assert.ok(answer.devices[0].allocatedBytes > 0, what);
  else assert.ok(answer.issues.length > 0 && answer.issues.every((issue) => issue.code && issue.message), what);
  assert.equal(engine.estimate(good, factsOf(good)), answerToGood, `the answer after ${what}`);
  return answer;
}

const nested = (depth, wrap) => Array.from({ length: depth }).reduce(wrap, {});
const inRecords = nested(10_000, (inner) => ({ a: inner }));
const inLists = nested(10_000, (inner) => [inner]);
const manyKeys = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`key${i}`, i]));
const cyclic = { ...config };
cyclic.self = cyclic;
const long = "x".repeat(50e6);
const withConfig = (more) => ({ model: { config: { ...config, ...more } } });

const hostile = {
  "10,000 records in each other": inRecords,
  "10,000 lists in each other": inLists,
  "a field that is 10,000 records deep": withConfig({ rope_scaling: inRecords }),
  "a number that is 10,000 lists deep": withConfig({ num_hidden_layers: inLists }),
  "100,000 fields": manyKeys,
  "a configuration of 100,000 fields": { model: { config: manyKeys } },
  "a list of 200,000 names": withConfig({ architectures: Array(200_000).fill("x") }),
  "a list that is all holes": withConfig({ architectures: Array(2 ** 32 - 1) }),
  "a text of 50 MB": withConfig({ name: long }),
  "an id of 50 MB": { model: { id: long } },
  "a model type of 50 MB": withConfig({ model_type: long }),
  "a field's name of 50 MB": { model: { config }, [long]: 1 },
  "a cycle": { model: { config: cyclic } },
  "fields named __proto__": JSON.parse('{"__proto__": {"model": {}}, "model": {"__proto__": {"id": "x"}, "id": "__proto__"}}'),
  "a configuration with a field __proto__": { model: { config: JSON.parse('{"__proto__": {"hidden_size": 1}, "model_type": "llama"}') } },
  "half a character": { model: { id: "\ud800" }, "\udfff": 1 },
  "half a character in a model type": withConfig({ model_type: "a\udfffb" }),
  "a zero character": { model: { id: "a\0b" }, "a\0b": 1 },
  "text that ends where quoting cuts a character": { model: { id: `a${"é".repeat(200)}` }, [`a${"é".repeat(200)}`]: 1 },
  "text of control characters": { model: { id: "\u0001\n\"\\\u2028" } },
};
for (const [what, scenario] of Object.entries(hostile)) test(`survived: ${what}`, () => void survive(scenario, what));

test("survived: values that are no scenario", () => {
  for (const value of [null, undefined, 0, -1, Number.NaN, "", "text", true, [], [[]], {}, 10n, Symbol("s"), () => 1, new Date(0), new Map()]) {
    assert.equal(survive(value, String(value)).ok, false);
  }
});

const wrong = {
  missing: undefined, null: null, negative: -1, zero: 0, huge: 1e308, large: 2 ** 53, "past 32 bits": 2 ** 32, broken: 1.5,
  NaN: Number.NaN, infinite: Infinity, text: "x", empty: "", list: [1], record: { a: 1 }, true: true, bigint: 10n,
};

for (const model of smallest) {
  test(`survived: every field of ${model}'s configuration, wrong in ${Object.keys(wrong).length} ways`, () => {
    const own = factsOf({ model: { id: model } }).config;
    for (const field of Object.keys(own))
      for (const [how, value] of Object.entries(wrong))
        for (const task of ["inference", "training"])
          survive({ model: { config: { ...own, [field]: value } }, task, detail: "summary" }, `${field}: ${how}, ${task}`);
  });
}

const fields = {
  "": ["model", "task", "weights", "engine", "inference", "training", "parallel", "hardware", "quick", "detail", "questions"],
  model: ["id", "config", "parameters", "gguf", "safetensors"],
  engine: ["name", "version", "options"],
  inference: ["sequences", "contextTokens", "promptTokens", "prefillTokens", "kvFormat", "attention", "images", "offload", "draft"],
  training: ["method", "precision", "optimizer", "optimizerStep", "microBatch", "sequenceTokens", "gradientAccumulation", "attention",
    "checkpointing", "crossEntropy", "kernels", "optimizerInBackward", "lora", "rl"],
  parallel: ["data", "tensor", "pipeline", "zero", "fsdp"],
  hardware: ["gpu", "memory", "count"],
  quick: ["bytesPerSample"],
};

for (const [record, names] of Object.entries(fields)) {
  test(`survived: every field of ${record || "the scenario"}, wrong in ${Object.keys(wrong).length} ways`, () => {
    for (const name of names)
      for (const [how, value] of Object.entries(wrong)) {
        const task = record === "training" ? "training" : "inference";
        const base = record === "model" ? {} : { model: { id }, task };
        survive(record ? { ...base, [record]: { [name]: value } } : { ...base, [name]: value }, `${record}.${name}: ${how}`);
      }
  });
}

test("nothing of a large scenario is dropped unsaid", () => {
  const scenario = { ...withConfig({ junk: Array(150_000).fill(0) }), task: "training", hardware: { memory: "1 GiB" } };
  const answer = survive(scenario, "a list of 150,000 numbers");
  if (answer.ok) assert.deepEqual([answer.scenario.task, answer.devices[0].fits], ["training", false]);
});

test("messages cut no character in half", () => {
  const answer = survive(hostile["text that ends where quoting cuts a character"], "text that is cut");
  assert.doesNotMatch(JSON.stringify(answer), /\uFFFD/);
});
