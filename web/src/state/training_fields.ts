// What training is asked with.
import type { Words } from "./description";
import { adapting, count, type Field, field, flag, folded, methodKey, sampled, stepping, trainedBy, training, word } from "./field";
import { engineOf, is, trainingEngineKey, type Values } from "./traits";

export const targetsKey = "training.lora.targets";
/** In the menu of modules, what opens a field for their names. */
export const otherTargets = "other";
export const targetChoices = ["q_proj, v_proj", "all-linear"];

const several = (v: Values) => !["", "1", undefined].includes(v["training.gradientAccumulation"]?.trim());

const megatron = trainedBy("megatron");

/** How ranks share the work; of an engine's splits, those that the core computes. */
const split = (name: string, engines: string[], extra: Partial<Field> = {}, computedWith = name): Field =>
  count(`parallel.${name}`, trainedBy(...engines), {
    place: "hardware",
    idle: (_, words, values) => !words.splits[engineOf(values)]?.includes(computedWith),
    ...extra,
  });

/** Kinds of adapters that have no rank, and those that drop nothing of their input. */
const rankless = ["ia3", "oft"], dropless = ["ia3", "loha", "lokr", "oft"];
const scoring = (v: Values) => plain(v) && ["dpo", "kto", "grpo", "rloo"].includes(v["training.rl.algorithm"] ?? "");

const answering = (v: Values) => plain(v) && ["grpo", "rloo"].includes(v["training.rl.algorithm"] ?? "");
const seeing = (v: Values) => plain(v) && is(v, "images") && Number(v["training.images"]) > 0;

/** Plain PyTorch, whose checkpoints come in more kinds than those of engines that shard. */
const plain = trainedBy("torch");
const checkpoints = ({ checkpointing }: Words, v: Values) =>
  checkpointing.filter((kind) => plain(v) || (kind !== "offload" && (kind !== "selective" || megatron(v))));

export const trainingFields: Field[] = [
  word("engine.name", stepping, (d) => d.engines.training, { key: trainingEngineKey, idle: (_, words) => words.engines.training.length < 2 }),
  word(methodKey, stepping, (d) => d.methods),
  count("training.lora.rank", adapting, { idle: (_, __, v) => rankless.includes(v["training.lora.kind"] ?? "") }),
  count("training.virtualTokens", (v) => stepping(v) && v[methodKey] === "prompt"),
  field(targetsKey, "names", adapting, { words: () => [...targetChoices, otherTargets] }),
  field(targetsKey, "names", (v) => adapting(v) && v[targetsKey] === otherTargets, { key: "lora.names" }),
  // A frozen base lies in 16 bits or fewer; fp32 is for weights that are trained.
  word("training.precision", (v) => training(v) && !megatron(v), (d, v) => adapting(v) ? d.precisions.filter((precision) => precision !== "fp32") : engineOf(v) === "fsdp" ? [...d.precisions, "fp8"] : d.precisions),
  word("training.precision", megatron, () => ["megatron-bf16", "megatron-fp16"], { key: "megatron.precision" }),
  word("training.optimizer", training, (d) => d.optimizers.map(({ id }) => id)),
  count("training.microBatch", (v) => stepping(v) || (training(v) && sampled(v))),
  count("training.sequenceTokens", stepping),
  count("training.images", (v) => plain(v) && is(v, "images")),
  field("training.imageSize", "numbers", seeing),
  // With adapters nothing of it is trained.
  word("training.vision", (v) => seeing(v) && !adapting(v), () => ["frozen", "projector", "trained"]),
  word("training.checkpointing", stepping, checkpoints),
  flag("training.offload.activations", plain, folded),
  word("training.rl.algorithm", plain, () => ["dpo", "kto", "orpo", "cpo", "simpo", "grpo", "rloo", "reward"], folded),
  count("training.rl.completionTokens", scoring, folded),
  flag("training.rl.reference", scoring, folded),
  word("training.rl.rollout", answering, () => ["server", "colocated-vllm"], folded),

  field("training.lora.dropout", "number", (v) => adapting(v) && !dropless.includes(v["training.lora.kind"] ?? ""), folded),
  word("training.lora.kind", (v) => adapting(v) && v[methodKey] === "lora", () => ["lora", "rslora", "ia3", "vera", "loha", "lokr", "oft"], folded),
  count("training.lora.blockSize", (v) => adapting(v) && v["training.lora.kind"] === "oft", folded),
  word("training.lora.format", adapting, () => ["fp32", "bf16", "fp16"], folded),
  word("training.crossEntropy", stepping, (d) => d.crossEntropy, folded),
  word("training.kernels", (v) => stepping(v) && !megatron(v), () => ["torch", "liger"], folded),
  word("training.attention", stepping, (d) => d.attention, folded),
  // Only autocast leaves a choice of what the weights are stored in; a base in 4 bits leaves none.
  field("weights", "word", (v) => training(v) && v[methodKey] !== "qlora" && (v["training.precision"] === "bf16-amp" || engineOf(v) === "fsdp" || Boolean(v["amp.weights"])), {
    key: "amp.weights",
    words: () => ["fp32", "bf16"],
    folded: true,
  }),
  word("training.optimizerFormat", plain, () => ["fp32", "bf16", "fp16"], folded),
  word("training.optimizerStep", stepping, (d) => d.optimizerSteps, folded),
  count("training.gradientAccumulation", (v) => stepping(v) && (v["training.optimizerInBackward"] !== "true" || several(v)), folded),
  flag("training.averagedWeights", plain, folded),
  flag("training.optimizerInBackward", (v) => stepping(v) && !megatron(v) && (!several(v) || v["training.optimizerInBackward"] === "true"), folded),

  split("data", ["torch", "fsdp", "deepspeed", "megatron"]),
  split("zero", ["fsdp", "deepspeed", "megatron"], { words: () => ["0", "1", "2", "3"] }),
  split("shardGroup", ["fsdp"], folded, "data"),
  flag("engine.options.gradient_as_bucket_view", (v) => trainedBy("torch")(v) && !["", "1", undefined].includes(v["parallel.data"]?.trim()), folded),
  flag("training.offload.optimizer", (v) => plain(v) || trainedBy("deepspeed")(v), folded),
  flag("training.offload.parameters", trainedBy("deepspeed", "fsdp"), folded),
  split("tensor", ["megatron", "fsdp"]),
  split("pipeline", ["megatron"]),
  split("virtualStages", ["megatron"], folded),
  split("schedule", ["megatron"], { kind: "word", words: () => ["1f1b", "gpipe", "interleaved", "zb-h1", "zb-h2", "zbv", "dualpipe"], ...folded }, "pipeline"),
  split("context", ["megatron"]),
  split("expert", ["megatron"]),
];
