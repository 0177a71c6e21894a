// What has to hold of any model and any layout: random ones, the same in every run.
import assert from "node:assert/strict";
import test from "node:test";
import { diceOf } from "../fuzz/readers/dice.mjs";
import { loadEngine } from "../support/engine.mjs";
import { factsOf } from "../support/facts.mjs";

const engine = await loadEngine();
const rounds = 150;

/** A model of some family, with sizes that a real one could have. */
function modelOf(roll) {
  const type = roll.of(["llama", "qwen2", "qwen3", "gemma2", "mistral", "olmo2", "mixtral", "deepseek_v3"]);
  const heads = roll.of([4, 8, 16]), kv = roll.of([1, 2, 4]), width = roll.of([32, 64]);
  const config = {
    model_type: type, hidden_size: heads * width, intermediate_size: 128 * (1 + roll(16)), num_hidden_layers: 4 * (1 + roll(4)), num_attention_heads: heads, num_key_value_heads: kv,
    head_dim: width, vocab_size: 1024 * (1 + roll(32)), max_position_embeddings: 65536, tie_word_embeddings: roll(2) === 1,
  };
  if (type === "mixtral") Object.assign(config, { num_local_experts: 4, num_experts_per_tok: 2 });
  if (type === "deepseek_v3")
    Object.assign(config, { num_key_value_heads: heads, q_lora_rank: 64, kv_lora_rank: 64, qk_nope_head_dim: 32, qk_rope_head_dim: 16, v_head_dim: 32, n_routed_experts: 8, n_shared_experts: 1, num_experts_per_tok: 2, moe_intermediate_size: 128, first_k_dense_replace: 1, n_group: 1, topk_group: 1 });
  return { config };
}

const servingOf = (roll) => ({
  model: modelOf(roll), task: "inference", weights: roll.of(["bf16", "fp32"]),
  inference: { sequences: 1 + roll(4), contextTokens: 256 * (1 + roll(16)), attention: "eager" }, detail: "summary",
});

/** Under sdpa the kernel depends on whether a mask is needed, so that a longer sequence may take less; it is left out. */
function trainingOf(roll) {
  const precision = roll.of(["bf16", "fp32", "bf16-amp"]);
  const training = {
    method: roll.of(["full", "lora", "dora"]), precision, optimizer: roll.of(["adamw", "sgd", "sgd-momentum", "adafactor"]), microBatch: 1 + roll(3), sequenceTokens: 128 * (1 + roll(8)),
    attention: roll.of(precision === "bf16" ? ["flash", "eager"] : ["eager"]), checkpointing: roll.of(["none", "full"]), crossEntropy: roll.of(["full", "chunked", "fused"]),
  };
  return { model: modelOf(roll), task: "training", weights: precision === "bf16" ? "bf16" : "fp32", training, detail: "summary" };
}

/** A roll may ask for what is refused; it is passed over then. */
class Refused extends Error {}

function answer(scenario) {
  const given = JSON.parse(engine.estimate(scenario, factsOf(scenario)));
  if (!given.ok) throw new Refused(`${told(scenario)}\n${JSON.stringify(given.issues)}`);
  return given;
}

/** The scenario with fields of one part other. */
const withPart = (scenario, part, change) => ({ ...scenario, [part]: { ...scenario[part], ...change } });
const allocated = (scenario) => answer(scenario).devices[0].allocatedBytes;
const told = (...scenarios) => scenarios.map((one) => JSON.stringify(one)).join("\n");
const component = (device, id) => device.components.find((one) => one.id === id)?.bytes ?? 0;

/** A test of many rolls, most of which are answered. */
const always = (what, seed, check) =>
  test(what, () => {
    const roll = diceOf(seed), refused = [];
    for (let i = 0; i < rounds; i++) {
      try {
        check(roll);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        refused.push(error.message);
      }
    }
    assert.ok(refused.length < rounds / 4, `${refused.length} of ${rounds} are refused, such as ${refused[0]}`);
  });

always("more tokens, or more sequences, never take less memory", 11, (roll) => {
  const serving = servingOf(roll), training = trainingOf(roll);
  const { contextTokens, sequences } = serving.inference, { sequenceTokens, microBatch } = training.training;
  for (const [less, more] of [
    [serving, withPart(serving, "inference", { contextTokens: contextTokens + 1 + roll(2000) })],
    [serving, withPart(serving, "inference", { sequences: sequences + 1 })],
    [training, withPart(training, "training", { sequenceTokens: sequenceTokens + 1 + roll(1000) })],
    [training, withPart(training, "training", { microBatch: microBatch + 1 })],
  ]) assert.ok(allocated(more) >= allocated(less), told(less, more));
});

always("the scenario that an answer echoes has the same answer", 12, (roll) => {
  for (const scenario of [servingOf(roll), trainingOf(roll)]) {
    const { assumptions: _, ...first } = answer(scenario), { assumptions: __, ...again } = answer(first.scenario);
    assert.deepEqual(again, first, told(scenario));
  }
});

/** What backward finds kept, when the loss is there: activations of the last moment of forward. */
function keptAfterForward(scenario) {
  const { timeline } = answer({ ...scenario, detail: "timeline" });
  return timeline.filter(({ phase }) => phase === "forward").at(-1).components.activations ?? 0;
}

always("computing layers again never keeps more at the end of forward", 13, (roll) => {
  const scenario = trainingOf(roll);
  const [none, full] = ["none", "full"].map((checkpointing) => withPart(scenario, "training", { checkpointing }));
  assert.ok(keptAfterForward(full) <= keptAfterForward(none), told(none, full));
});

always("training fewer linears never keeps more", 14, (roll) => {
  const scenario = withPart(trainingOf(roll), "training", { method: "lora", checkpointing: "none" });
  const [few, many] = [["o_proj"], ["o_proj", "down_proj"]].map((targets) => withPart(scenario, "training", { lora: { rank: 8, targets } }));
  assert.ok(keptAfterForward(few) <= keptAfterForward(many), told(few, many));
});

always("stages of a pipeline hold the whole: every weight once", 15, (roll) => {
  const whole = { ...servingOf(roll), engine: { name: "vllm" }, weights: "bf16", inference: { contextTokens: 2048 }, hardware: { memory: "80 GiB" } };
  whole.model.config.tie_word_embeddings = false;
  const split = { ...whole, parallel: { pipeline: 2 }, hardware: { memory: "80 GiB", count: 2 } };
  const one = component(answer(whole).devices[0], "weights"), sum = answer(split).devices.reduce((all, device) => all + device.count * component(device, "weights"), 0);
  // Rotary tables lie in both stages; blocks of the allocator and padded rows are a few more.
  assert.ok(sum >= one && sum <= one * 1.02 + 40e6, `${sum} of ${one}\n${told(split)}`);
});

always("ranks that share everything hold the whole: states of all of them are those of one", 16, (roll) => {
  const whole = { ...withPart(trainingOf(roll), "training", { method: "full", optimizer: "adamw", precision: "bf16", checkpointing: "none" }), weights: "bf16" };
  const data = roll.of([2, 4]);
  const shared = { ...whole, engine: { name: "fsdp" }, parallel: { data, zero: 3 }, hardware: { memory: "80 GiB", count: data } };
  const one = component(answer(whole).devices[0], "optimizer-states"), rank = component(answer(shared).devices[0], "optimizer-states");
  // A parameter's first dimension is cut into equal parts, the last of them padded; four experts are no more than four parts.
  assert.ok(rank * data >= one * 0.999 && rank * data <= one * 1.02 + 1e5, `${data} × ${rank} of ${one}\n${told(shared)}`);
});
