// LLaMA-Factory's YAML.
// Source: llamafactory/hparams/{model_args,data_args,finetuning_args}.py, model/adapter.py
import { setAt, valueAt } from "../state/paths";
import { optimizerName, readOptimizer } from "./optimizers";
import { everyLinear, isOn, row, targetsIn, targetsOf, type Tool } from "./tool";

export const llamaFactory: Tool = {
  id: "llama-factory",
  name: "LLaMA-Factory",
  form: "yaml",
  is: (tree) => "finetuning_type" in tree || ("model_name_or_path" in tree && ("stage" in tree || "cutoff_len" in tree)),
  rows: [
    row("training.sequenceTokens", undefined, "cutoff_len"),
    row("training.microBatch", undefined, "per_device_train_batch_size"),
    row("training.gradientAccumulation", undefined, "gradient_accumulation_steps"),
    row("training.lora.rank", undefined, "lora_rank"),
    row("training.lora.dropout", undefined, "lora_dropout"),
    row("training.checkpointing", { false: "full", true: "none" }, "disable_gradient_checkpointing"),
    row("training.attention", { fa2: "flash", fa3: "flash", sdpa: "sdpa", disabled: "eager" }, "flash_attn"),
    row("training.kernels", { true: "liger", false: "torch" }, "enable_liger_kernel"),
  ],
  matters: ["deepspeed", "fsdp", "use_galore", "use_apollo", "use_badam", "use_adam_mini", "use_muon", "use_unsloth", "freeze_trainable_layers", "upcast_layernorm", "upcast_lmhead_output", "shift_attn", "ref_model", "quantization_method", "use_llama_pro", "oft_rank"],
  read(tree, scenario, notes) {
    const type = String(tree.finetuning_type ?? "lora");
    const four = Number(tree.quantization_bit) === 4;
    if (!["full", "lora"].includes(type)) notes.push(`finetuning_type ${type.slice(0, 40)} is not counted: all parameters are taken to be trained.`);
    if (tree.quantization_bit && !four) notes.push(`Not counted: quantization_bit ${String(tree.quantization_bit).slice(0, 10)}.`);
    if (tree.stage !== undefined && !["sft", "pt"].includes(String(tree.stage))) notes.push(`Of the stage ${String(tree.stage).slice(0, 20)} only the trained model is counted.`);
    const method = type !== "lora" ? "full" : isOn(tree.use_dora) ? "dora" : four ? "qlora" : "lora";
    setAt(scenario, "training.method", method);
    readOptimizer(tree.optim, scenario, notes);
    if (method === "full") delete (scenario.training as Record<string, unknown>).lora;
    else setAt(scenario, "training.lora.targets", targetsOf(tree.lora_target, ["all"]) ?? ["all-linear"]);
    const saved = targetsOf(tree.additional_target, []);
    if (method !== "full" && saved) setAt(scenario, "training.lora.modulesToSave", saved);
    // Layers are checkpointed unless that is turned off.
    if (valueAt(scenario, "training.checkpointing") === undefined) setAt(scenario, "training.checkpointing", "full");
    setAt(scenario, "training.precision", isOn(tree.pure_bf16) ? "bf16" : isOn(tree.bf16) ? "bf16-amp" : isOn(tree.fp16) ? "fp16-amp" : "fp32");
    // What is trained is widened to fp32; a base that is not stays in 16 bits.
    if (isOn(tree.bf16) && (method === "lora" || method === "dora")) scenario.weights = "bf16";
    return typeof tree.model_name_or_path === "string" ? tree.model_name_or_path : undefined;
  },
  write(scenario, tree, model) {
    const method = valueAt(scenario, "training.method") ?? "full", precision = valueAt(scenario, "training.precision");
    Object.assign(tree, { model_name_or_path: model, stage: "sft", do_train: true, finetuning_type: method === "full" ? "full" : "lora" });
    if (method === "qlora") tree.quantization_bit = 4;
    if (method === "dora") tree.use_dora = true;
    const targets = targetsIn(scenario), saved = valueAt(scenario, "training.lora.modulesToSave");
    if (targets.length > 0) tree.lora_target = everyLinear(targets) ? "all" : targets.join(",");
    if (Array.isArray(saved) && saved.length > 0) tree.additional_target = saved.join(",");
    const optimizer = optimizerName(scenario);
    if (optimizer) tree.optim = optimizer;
    if (precision === "bf16") tree.pure_bf16 = true;
    if (precision === "bf16-amp") tree.bf16 = true;
    if (precision === "fp16-amp") tree.fp16 = true;
  },
};
