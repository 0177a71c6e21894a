// DeepSpeed's JSON. It says how training is spread, and nothing of the model.
// Source: deepspeed/runtime/config.py, runtime/zero/config.py
import { setAt, valueAt } from "../state/paths";
import { row, type Tool } from "./tool";

const optimizers: Record<string, string> = { AdamW: "adamw", Adam: "adamw", FusedAdam: "adamw", SGD: "sgd", Lion: "lion", Muon: "muon", Adafactor: "adafactor" };
const places = { cpu: true, none: false };

export const deepspeed: Tool = {
  id: "deepspeed",
  name: "DeepSpeed",
  form: "json",
  is: (tree) => "zero_optimization" in tree || "train_micro_batch_size_per_gpu" in tree,
  rows: [
    row("training.microBatch", undefined, "train_micro_batch_size_per_gpu"),
    row("training.gradientAccumulation", undefined, "gradient_accumulation_steps"),
    row("parallel.zero", undefined, "zero_optimization.stage"),
    row("training.offload.optimizer", places, "zero_optimization.offload_optimizer.device"),
    row("training.offload.parameters", places, "zero_optimization.offload_param.device"),
  ],
  matters: ["zero_optimization.zero_hpz_partition_size", "zero_optimization.zero_quantized_weights", "zero_optimization.zero_quantized_gradients", "zero_optimization.mics_shard_size", "activation_checkpointing", "tensor_parallel", "compression_training", "hybrid_engine", "fp8", "torch_autocast"],
  read(tree, scenario, notes) {
    setAt(scenario, "engine.name", "deepspeed");
    const on = (name: string) => ["true", "auto"].includes(String(valueAt(tree, `${name}.enabled`)));
    if (on("bf16")) setAt(scenario, "training.precision", "bf16-amp");
    else if (on("fp16")) setAt(scenario, "training.precision", "fp16-amp");
    const type = valueAt(tree, "optimizer.type");
    if (typeof type === "string" && Object.hasOwn(optimizers, type)) setAt(scenario, "training.optimizer", optimizers[type]);
    else if (typeof type === "string") notes.push(`The optimizer ${type.slice(0, 40)} has no name here: the default stays.`);
    const left = ["train_micro_batch_size_per_gpu", "gradient_accumulation_steps"].filter((name) => valueAt(tree, name) === "auto");
    if (left.length > 0) notes.push(`Left to the Trainer, so set them: ${left.join(", ")}.`);
    for (const name of ["stage3_max_live_parameters", "stage3_prefetch_bucket_size", "stage3_param_persistence_threshold", "reduce_bucket_size", "allgather_bucket_size", "overlap_comm", "contiguous_gradients"]) {
      const value = valueAt(tree, `zero_optimization.${name}`);
      if (typeof value === "number" || typeof value === "boolean") setAt(scenario, `engine.options.${name}`, value);
    }
    return undefined;
  },
  write(scenario, tree) {
    const precision = valueAt(scenario, "training.precision");
    if (precision === "bf16-amp") setAt(tree, "bf16.enabled", true);
    if (precision === "fp16-amp") setAt(tree, "fp16.enabled", true);
    const type = Object.keys(optimizers).find((name) => optimizers[name] === valueAt(scenario, "training.optimizer"));
    if (type) setAt(tree, "optimizer.type", type);
    const options = valueAt(scenario, "engine.options");
    for (const [name, value] of Object.entries((options ?? {}) as object)) setAt(tree, `zero_optimization.${name}`, value);
  },
};
