// Megatron-LM's arguments: the layout, and the model itself where its layers are those of Llama or Mixtral.
// Source: megatron/training/arguments.py
import type { Tree } from "../commands/flag";
import { setAt, valueAt } from "../state/paths";
import { isOn, row, type Tool } from "./tool";

const option = (name: string) => `engine.options.${name}`;
const count = (path: string, name: string) => row(path, undefined, name);
const onOff = { true: true, false: false };

export const megatron: Tool = {
  id: "megatron",
  name: "Megatron-LM",
  form: "arguments",
  is: (tree) => "tensor-model-parallel-size" in tree || "micro-batch-size" in tree || "use-distributed-optimizer" in tree,
  rows: [
    count("training.microBatch", "micro-batch-size"),
    count("training.sequenceTokens", "seq-length"),
    count("parallel.tensor", "tensor-model-parallel-size"),
    count("parallel.pipeline", "pipeline-model-parallel-size"),
    count("parallel.context", "context-parallel-size"),
    count("parallel.expert", "expert-model-parallel-size"),
    count("parallel.virtualStages", "num-virtual-stages-per-pipeline-rank"),
    row("parallel.sequenceParallel", onOff, "sequence-parallel"),
    row("parallel.zero", { true: 1 }, "use-distributed-optimizer"),
    row("training.optimizer", { adam: "adamw", sgd: "sgd", muon: "muon" }, "optimizer"),
    row(option("recompute_granularity"), { full: "full", selective: "selective" }, "recompute-granularity"),
    row(option("recompute_method"), { uniform: "uniform", block: "block" }, "recompute-method"),
    count(option("recompute_num_layers"), "recompute-num-layers"),
    count(option("expert_tensor_parallel_size"), "expert-tensor-parallel-size"),
    count(option("num_layers_in_first_pipeline_stage"), "decoder-first-pipeline-num-layers"),
    count(option("num_layers_in_last_pipeline_stage"), "decoder-last-pipeline-num-layers"),
    row(option("use_precision_aware_optimizer"), { true: true }, "use-precision-aware-optimizer"),
    row(option("account_for_embedding_in_pipeline_split"), { true: true }, "account-for-embedding-in-pipeline-split"),
    row(option("account_for_loss_in_pipeline_split"), { true: true }, "account-for-loss-in-pipeline-split"),
    row(option("moe_token_dispatcher_type"), { alltoall: "alltoall", flex: "flex", allgather: "allgather" }, "moe-token-dispatcher-type"),
  ],
  matters: ["num-layers-per-virtual-pipeline-stage", "optimizer-cpu-offload", "use-megatron-fsdp", "use-torch-fsdp2", "fp8-format", "fp8", "fp8-param-gather", "fp4-format", "mtp-num-layers", "multi-latent-attention", "attention-dropout", "hidden-dropout", "cpu-offloading", "fine-grained-activation-offloading"],
  read(tree, scenario, notes) {
    setAt(scenario, "engine.name", "megatron");
    setAt(scenario, "training.precision", isOn(tree.bf16) ? "megatron-bf16" : isOn(tree.fp16) ? "megatron-fp16" : "fp32");
    const modules = tree["recompute-modules"];
    if (modules !== undefined) setAt(scenario, option("recompute_modules"), (Array.isArray(modules) ? modules : [modules]).map(String));
    const model = modelOf(tree);
    if (model) scenario.model = { config: model };
    else if (tree["num-layers"] !== undefined) notes.push("The model's own arguments are read where its layers are Llama's or Mixtral's (swiglu, RMSNorm, rotary positions, no biases) and a vocab-size is given: choose the model above.");
    const world = Number(tree["world-size"] ?? 0);
    const share = ["parallel.tensor", "parallel.pipeline", "parallel.context"].reduce((ranks, path) => ranks * Number(valueAt(scenario, path) ?? 1), 1);
    if (world > share && world % share === 0) setAt(scenario, "parallel.data", world / share);
    const batch = Number(tree["global-batch-size"] ?? 0), micro = Number(tree["micro-batch-size"] ?? 1);
    const steps = batch / micro / Number(valueAt(scenario, "parallel.data") ?? 1);
    if (batch > 0 && world > 0 && Number.isInteger(steps)) setAt(scenario, "training.gradientAccumulation", steps);
    else if (batch > 0) notes.push("Set data parallelism and gradient accumulation: the arguments do not say how many GPUs there are.");
    return undefined;
  },
  write(scenario, tree) {
    const precision = valueAt(scenario, "training.precision");
    if (precision === "megatron-bf16") tree.bf16 = true;
    if (precision === "megatron-fp16") tree.fp16 = true;
    const modules = valueAt(scenario, option("recompute_modules"));
    if (Array.isArray(modules)) tree["recompute-modules"] = modules;
    const [data, steps, micro] = ["parallel.data", "training.gradientAccumulation", "training.microBatch"].map((path) => Number(valueAt(scenario, path) ?? 1));
    const share = ["parallel.tensor", "parallel.pipeline", "parallel.context"].reduce((ranks, path) => ranks * Number(valueAt(scenario, path) ?? 1), 1);
    Object.assign(tree, { "world-size": data * share, "global-batch-size": data * steps * micro });
    const config = valueAt(scenario, "model.config");
    if (config) Object.assign(tree, argumentsOf(config as Tree));
  },
};

/** Theirs, the configuration's. */
const sizes: [string, string][] = [
  ["num-layers", "num_hidden_layers"], ["hidden-size", "hidden_size"], ["ffn-hidden-size", "intermediate_size"], ["num-attention-heads", "num_attention_heads"],
  ["num-query-groups", "num_key_value_heads"], ["kv-channels", "head_dim"], ["vocab-size", "vocab_size"], ["max-position-embeddings", "max_position_embeddings"],
  ["num-experts", "num_local_experts"], ["moe-router-topk", "num_experts_per_tok"],
];

function modelOf(tree: Tree): Tree | undefined {
  const plain = isOn(tree.swiglu) && tree.normalization === "RMSNorm" && (tree["position-embedding-type"] ?? "learned_absolute") === "rope" && isOn(tree["disable-bias-linear"]);
  const needed = ["num-layers", "hidden-size", "ffn-hidden-size", "num-attention-heads", "vocab-size"];
  if (!plain || needed.some((name) => !(Number(tree[name]) > 0)) || isOn(tree["multi-latent-attention"]) || tree["moe-shared-expert-intermediate-size"]) return undefined;
  const experts = Number(tree["num-experts"] ?? 0) > 0;
  const config: Tree = { model_type: experts ? "mixtral" : "llama", tie_word_embeddings: !isOn(tree["untie-embeddings-and-output-weights"]) };
  for (const [theirs, ours] of sizes) if (tree[theirs] !== undefined) config[ours] = Number(tree[theirs]);
  if (!isOn(tree["group-query-attention"])) config.num_key_value_heads = config.num_attention_heads;
  if (experts && tree["moe-ffn-hidden-size"] !== undefined) config.intermediate_size = Number(tree["moe-ffn-hidden-size"]);
  return config;
}

function argumentsOf(config: Tree): Tree {
  if (config.model_type !== "llama" && config.model_type !== "mixtral") return {};
  const made: Tree = { swiglu: true, normalization: "RMSNorm", "position-embedding-type": "rope", "disable-bias-linear": true };
  if (config.tie_word_embeddings !== true) made["untie-embeddings-and-output-weights"] = true;
  for (const [theirs, ours] of sizes) if (config[ours] !== undefined && config[ours] !== null) made[theirs] = config[ours];
  if (made["num-query-groups"] !== undefined) made["group-query-attention"] = true;
  return made;
}
