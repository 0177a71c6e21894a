// Configurations of training tools: read as people write them, and written and read back.
import assert from "node:assert/strict";
import test from "node:test";
import { importTypeScript } from "../support/typescript.mjs";

const { readTraining } = await importTypeScript("web/src/training_configs/read.ts");
const { trainingText, toolsFor } = await importTypeScript("web/src/training_configs/write.ts");
const { tools } = await importTypeScript("web/src/training_configs/tools.ts");
const id = "meta-llama/Llama-3.1-8B";
const models = { [id]: {}, "mistralai/Mistral-7B-v0.1": {} };
const tool = (name) => tools.find((one) => one.id === name);
const read = (text) => readTraining(text, models);

const lora = { rank: 16, dropout: 0.05, targets: ["q_proj", "v_proj"] };
const base = { microBatch: 2, gradientAccumulation: 8, sequenceTokens: 4096, checkpointing: "full" };
const scenarios = {
  axolotl: [
    { training: { ...base, method: "qlora", precision: "bf16-amp", optimizer: "paged-adamw-8bit", attention: "flash", kernels: "liger", lora: { ...lora, targets: ["all-linear"] } } },
    { weights: "bf16", training: { ...base, method: "full", precision: "bf16-amp", optimizer: "adamw", optimizerStep: "fused", checkpointing: "none" } },
    { training: { ...base, method: "dora", precision: "bf16", lora: { ...lora, modulesToSave: ["lm_head"] } } },
  ],
  "llama-factory": [
    { training: { ...base, method: "qlora", precision: "bf16-amp", optimizer: "adamw-8bit", lora: { ...lora, targets: ["all-linear"] } } },
    { training: { ...base, method: "full", precision: "bf16", optimizer: "adafactor", checkpointing: "none", kernels: "liger", attention: "sdpa" } },
  ],
  torchtune: [
    { training: { ...base, method: "lora", precision: "bf16", optimizer: "adamw", optimizerStep: "fused", crossEntropy: "chunked", lora: { ...lora, targets: ["q_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] } } },
    { training: { ...base, method: "full", precision: "bf16", optimizer: "paged-adamw-8bit", optimizerInBackward: true } },
  ],
  trainer: [
    { training: { ...base, method: "lora", precision: "bf16-amp", optimizer: "adamw", optimizerStep: "foreach", lora } },
    { weights: "bf16", training: { ...base, method: "full", precision: "bf16-amp", kernels: "torch" } },
  ],
  deepspeed: [{ engine: { name: "deepspeed", options: { reduce_bucket_size: 5e8, overlap_comm: true } }, parallel: { zero: 3 }, training: { microBatch: 2, gradientAccumulation: 4, precision: "bf16-amp", optimizer: "adamw", offload: { optimizer: true, parameters: false } } }],
  megatron: [
    {
      model: { config: { model_type: "llama", tie_word_embeddings: false, num_hidden_layers: 32, hidden_size: 4096, intermediate_size: 11008, num_attention_heads: 32, num_key_value_heads: 8, vocab_size: 32000 } },
      engine: { name: "megatron", options: { recompute_granularity: "full", recompute_method: "block", recompute_num_layers: 2 } },
      parallel: { tensor: 4, pipeline: 2, data: 8, sequenceParallel: true, zero: 1 },
      training: { microBatch: 1, sequenceTokens: 8192, gradientAccumulation: 16, precision: "megatron-bf16", optimizer: "adamw" },
    },
  ],
};

for (const [name, all] of Object.entries(scenarios))
  for (const [i, one] of all.entries())
    test(`what ${name} is told comes back (${i + 1})`, async () => {
      const scenario = { model: { id }, task: "training", ...one };
      const text = await trainingText(tool(name), scenario);
      const { model, scenario: rest, name: said } = await read(text);
      assert.equal(said, tool(name).name);
      if (!["deepspeed", "torchtune"].includes(name)) assert.deepEqual(model, scenario.model);
      assert.deepEqual({ ...rest, model: scenario.model }, scenario, text);
    });

test("an axolotl file as its examples are written", async () => {
  const { model, scenario, notes } = await read(`base_model: mistralai/Mistral-7B-v0.1
load_in_4bit: true
adapter: qlora   # quantised
datasets:
  - path: some/data
    type: alpaca
sequence_len: 8192
lora_r: 32
lora_dropout: 0.05
lora_target_linear: true
gradient_accumulation_steps: 4
micro_batch_size: 2
optimizer: adamw_bnb_8bit
bf16: auto
gradient_checkpointing: true
flash_attention: true
deepspeed: deepspeed_configs/zero2.json
cut_cross_entropy: true
wandb_project:
`);
  assert.equal(model.id, "mistralai/Mistral-7B-v0.1");
  assert.deepEqual(scenario, { task: "training", training: { sequenceTokens: 8192, microBatch: 2, gradientAccumulation: 4, lora: { rank: 32, dropout: 0.05, targets: ["all-linear"] }, checkpointing: "full", method: "qlora", optimizer: "adamw-8bit", precision: "bf16-amp", attention: "flash" } });
  assert.deepEqual(notes, ["Not counted: deepspeed, cut_cross_entropy."]);
});

test("a torchtune recipe names its folder's model, and says that no length is set", async () => {
  const { model, scenario, notes } = await read(`model:
  _component_: torchtune.models.llama3_1.qlora_llama3_1_8b
  lora_attn_modules: ['q_proj', 'v_proj', 'output_proj']
  apply_lora_to_mlp: True
  lora_rank: 8
tokenizer:
  max_seq_len: null
checkpointer:
  checkpoint_dir: /tmp/Llama-3.1-8B/
batch_size: 2
optimizer:
  _component_: torch.optim.AdamW
  fused: True
dtype: bf16
compile: False
`);
  assert.equal(model.id, id);
  assert.deepEqual(scenario.training.lora, { rank: 8, targets: ["q_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] });
  assert.deepEqual([scenario.training.method, scenario.training.optimizerStep, scenario.training.precision], ["qlora", "fused", "bf16"]);
  assert.equal(notes.length, 1);
});

test("Megatron's arguments in a script with torchrun", async () => {
  const { model, scenario, notes } = await read(`torchrun --nproc_per_node 8 --nnodes 2 pretrain_gpt.py \\
  --tensor-model-parallel-size 2 --pipeline-model-parallel-size 2 --sequence-parallel --use-distributed-optimizer \\
  --num-layers 48 --hidden-size 6144 --num-attention-heads 48 --seq-length 4096 --micro-batch-size 1 --global-batch-size 64 --bf16 --fp8-format hybrid`);
  assert.equal(model, undefined);
  assert.deepEqual(scenario.parallel, { tensor: 2, pipeline: 2, sequenceParallel: true, zero: 1, data: 4 });
  assert.equal(scenario.training.gradientAccumulation, 16);
  assert.match(notes.join(" "), /Not counted: fp8-format/);
});

test("a tree of aliases, a text of another kind and broken YAML are no configuration", async () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[..."bcdefgh"].map((name, i) => `${name}: &${name} [${`*${"abcdefgh"[i]},`.repeat(9)}]`).join("\n")}\nbase_model: x\n`;
  for (const text of [bomb, "hello", "key: [", "a: 1", "base_model: x\n".repeat(50_000)]) assert.equal(await read(text), undefined);
});

test("each engine's training has the tools that can say it", () => {
  assert.deepEqual(toolsFor("megatron").map(({ id }) => id), ["megatron"]);
  assert.deepEqual(toolsFor("torch").map(({ id }) => id), ["torchtune", "axolotl", "llama-factory", "trainer"]);
});
