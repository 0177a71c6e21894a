// The engine of the first answer: what it answers, the whole engine answers with the same bytes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { firstAnswer as askedAhead } from "../../scripts/first_answer.mjs";
import { root } from "../../scripts/support/run.mjs";
import { loadEngine } from "../support/engine.mjs";
import { factsOf } from "../support/facts.mjs";
import { goldenCases } from "../support/golden.mjs";
import { grid } from "./grid.mjs";

const first = await loadEngine("first");
const whole = await loadEngine();

/** Undefined where it leaves the answer to the whole engine. */
function firstAnswer(scenario, facts) {
  const text = first.estimate(scenario, facts);
  return JSON.parse(text).ok ? text : undefined;
}

test("what the engine of the first answer answers, the whole engine answers with the same bytes", () => {
  let answered = 0;
  for (const scenario of [...goldenCases().map((one) => one.scenario), ...grid()]) {
    const facts = factsOf(scenario);
    const text = firstAnswer(scenario, facts);
    if (!text) continue;
    answered++;
    assert.ok(text === whole.estimate(scenario, facts), JSON.stringify(scenario));
  }
  assert.ok(answered > 500, `${answered} answered`);
});

test("the page's first answer and its training need no other engine", () => {
  for (const task of ["inference", "training"]) {
    const scenario = { model: { id: "meta-llama/Llama-3.1-8B" }, task, hardware: { gpu: "nvidia/rtx-4090" }, questions: [] };
    assert.ok(firstAnswer(scenario, factsOf(scenario)), task);
  }
});

test("what needs another part is refused, and the refusal says so", () => {
  const id = "meta-llama/Llama-3.1-8B";
  const others = [
    { model: { id }, engine: { name: "vllm" } },
    { model: { id }, weights: "Q4_K_M" },
    { model: { id }, weights: "nf4" },
    { model: { id }, parallel: { tensor: 2 } },
    { model: { id }, task: "training", training: { method: "lora" } },
    { model: { parameters: 7e9 } },
    { model: { id: "mistralai/Mixtral-8x7B-v0.1" } },
    { model: { config: { model_type: "never-heard-of", hidden_size: 64, intermediate_size: 128, num_hidden_layers: 2, num_attention_heads: 2, vocab_size: 100, rms_norm_eps: 1e-5 } } },
  ];
  for (const scenario of others) {
    const answer = JSON.parse(first.estimate(scenario, factsOf(scenario)));
    assert.ok(answer.issues?.some(({ code }) => code === "part-not-loaded"), JSON.stringify([scenario, answer.issues]));
  }
});

test("the answer that the page brings with it is what both engines say to that question", async () => {
  const prepared = JSON.parse(readFileSync(join(root, "build/catalog/first_answer.json"), "utf8"));
  assert.deepEqual(prepared, JSON.parse(JSON.stringify(await askedAhead())), "built with another engine");
  const scenario = JSON.parse(prepared.asked);
  for (const engine of [first, whole]) assert.deepEqual(prepared.estimate, JSON.parse(engine.estimate(scenario, factsOf(scenario))));
  assert.equal(prepared.version, whole.version());
});
