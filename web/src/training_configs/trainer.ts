// TrainingArguments and LoraConfig of Hugging Face as JSON or as options of a script.
// Source: transformers/training_args.py, peft/tuners/lora/config.py
import { setAt, valueAt } from "../state/paths";
import { optimizerName, readOptimizer } from "./optimizers";
import { everyLinear, isOn, row, targetsIn, targetsOf, type Tool } from "./tool";

export const trainer: Tool = {
  id: "trainer",
  name: "TrainingArguments",
  form: "arguments",
  is: (tree) => "per_device_train_batch_size" in tree || ("output_dir" in tree && "gradient_accumulation_steps" in tree),
  rows: [
    row("training.microBatch", undefined, "per_device_train_batch_size"),
    row("training.gradientAccumulation", undefined, "gradient_accumulation_steps"),
    row("training.sequenceTokens", undefined, "max_length", "max_seq_length", "model_max_length", "block_size"),
    row("training.checkpointing", { true: "full", false: "none" }, "gradient_checkpointing"),
    row("training.kernels", { true: "liger", false: "torch" }, "use_liger_kernel"),
    row("training.lora.rank", undefined, "lora_r", "r"),
    row("training.lora.dropout", undefined, "lora_dropout"),
    row("training.attention", { flash_attention_2: "flash", sdpa: "sdpa", eager: "eager" }, "attn_implementation"),
  ],
  matters: ["deepspeed", "fsdp", "fsdp_config", "load_in_8bit", "auto_find_batch_size", "torch_compile", "optim_target_modules", "fp16_full_eval", "padding_free", "activation_offloading"],
  read(tree, scenario, notes) {
    const adapted = isOn(tree.use_peft) || valueAt(scenario, "training.lora") !== undefined;
    setAt(scenario, "training.method", isOn(tree.load_in_4bit) ? "qlora" : isOn(tree.use_dora) ? "dora" : adapted ? "lora" : "full");
    readOptimizer(tree.optim, scenario, notes);
    setAt(scenario, "training.precision", isOn(tree.bf16) ? "bf16-amp" : isOn(tree.fp16) ? "fp16-amp" : "fp32");
    const targets = targetsOf(tree.lora_target_modules ?? tree.target_modules, ["all-linear"]);
    if (targets) setAt(scenario, "training.lora.targets", targets);
    const dtype = { bfloat16: "bf16", float16: "fp16", float32: "fp32" }[String(tree.dtype ?? tree.torch_dtype)];
    if (dtype && valueAt(scenario, "training.method") !== "qlora") scenario.weights = dtype;
    if (dtype === "bf16" && !isOn(tree.bf16) && !isOn(tree.fp16)) setAt(scenario, "training.precision", "bf16");
    return typeof tree.model_name_or_path === "string" ? tree.model_name_or_path : undefined;
  },
  write(scenario, tree, model) {
    const method = valueAt(scenario, "training.method") ?? "full", precision = valueAt(scenario, "training.precision");
    tree.model_name_or_path = model;
    if (method !== "full") tree.use_peft = true;
    if (method === "qlora") tree.load_in_4bit = true;
    if (method === "dora") tree.use_dora = true;
    const targets = targetsIn(scenario);
    if (targets.length > 0) tree.lora_target_modules = everyLinear(targets) ? "all-linear" : targets;
    const optimizer = optimizerName(scenario);
    if (optimizer) tree.optim = optimizer;
    if (precision === "bf16-amp") tree.bf16 = true;
    if (precision === "fp16-amp") tree.fp16 = true;
    const dtype = { bf16: "bfloat16", fp16: "float16", fp32: "float32" }[String(scenario.weights ?? (precision === "bf16" ? "bf16" : ""))];
    if (dtype) tree.dtype = dtype;
  },
};
