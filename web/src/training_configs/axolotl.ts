// axolotl's YAML.
// Source: axolotl/utils/schemas/config.py, utils/config/__init__.py resolve_dtype
import { setAt, valueAt } from "../state/paths";
import { optimizerName, readOptimizer } from "./optimizers";
import { everyLinear, isOn, row, targetsIn, targetsOf, type Tool } from "./tool";

export const axolotl: Tool = {
  id: "axolotl",
  name: "axolotl",
  form: "yaml",
  is: (tree) => "base_model" in tree,
  rows: [
    row("training.sequenceTokens", undefined, "sequence_len"),
    row("training.microBatch", undefined, "micro_batch_size"),
    row("training.gradientAccumulation", undefined, "gradient_accumulation_steps"),
    row("training.lora.rank", undefined, "lora_r"),
    row("training.lora.dropout", undefined, "lora_dropout"),
    row("training.checkpointing", { true: "full", false: "none" }, "gradient_checkpointing"),
    row("training.attention", { flash_attention_2: "flash", flash_attention_3: "flash", sdpa: "sdpa", eager: "eager" }, "attn_implementation"),
    row("parallel.tensor", undefined, "tensor_parallel_size"),
    row("parallel.context", undefined, "context_parallel_size"),
  ],
  matters: ["load_in_8bit", "deepspeed", "fsdp", "fsdp_config", "dp_shard_size", "dp_replicate_size", "activation_offloading", "unfrozen_parameters", "lora_target_parameters", "rl", "relora", "torch_compile", "cut_cross_entropy", "tiled_mlp", "lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel", "embeddings_skip_upcast"],
  read(tree, scenario, notes) {
    const four = isOn(tree.load_in_4bit) || tree.adapter === "qlora";
    const method = !tree.adapter ? "full" : isOn(tree.peft_use_dora) ? "dora" : four ? "qlora" : "lora";
    setAt(scenario, "training.method", method);
    readOptimizer(tree.optimizer, scenario, notes);
    const targets = isOn(tree.lora_target_linear) ? ["all-linear"] : targetsOf(tree.lora_target_modules, ["all-linear"]);
    if (tree.adapter && targets) setAt(scenario, "training.lora.targets", targets);
    if (tree.adapter && Array.isArray(tree.lora_modules_to_save) && tree.lora_modules_to_save.length > 0) setAt(scenario, "training.lora.modulesToSave", tree.lora_modules_to_save);
    if (!tree.adapter) delete (scenario.training as Record<string, unknown>).lora;
    // The weights are loaded in the format that is trained in, under autocast too.
    if (isOn(tree.bfloat16)) setAt(scenario, "training.precision", "bf16");
    else if (isOn(tree.bf16)) setAt(scenario, "training.precision", "bf16-amp");
    else if (isOn(tree.fp16)) setAt(scenario, "training.precision", "fp16-amp");
    else setAt(scenario, "training.precision", "fp32");
    if (isOn(tree.bf16) && method !== "qlora") scenario.weights = "bf16";
    if (isOn(tree.flash_attention)) setAt(scenario, "training.attention", "flash");
    else if (isOn(tree.sdp_attention)) setAt(scenario, "training.attention", "sdpa");
    else if (isOn(tree.eager_attention)) setAt(scenario, "training.attention", "eager");
    if (Object.keys(tree).some((key) => key.startsWith("liger_") && isOn(tree[key]))) setAt(scenario, "training.kernels", "liger");
    return typeof tree.base_model === "string" ? tree.base_model : undefined;
  },
  write(scenario, tree, model) {
    tree.base_model = model;
    const method = valueAt(scenario, "training.method") ?? "full", precision = valueAt(scenario, "training.precision");
    if (method !== "full") tree.adapter = method === "qlora" ? "qlora" : "lora";
    if (method === "qlora") tree.load_in_4bit = true;
    if (method === "dora") tree.peft_use_dora = true;
    const targets = targetsIn(scenario), saved = valueAt(scenario, "training.lora.modulesToSave");
    if (everyLinear(targets)) tree.lora_target_linear = true;
    else if (targets.length > 0) tree.lora_target_modules = targets;
    if (Array.isArray(saved) && saved.length > 0) tree.lora_modules_to_save = saved;
    const optimizer = optimizerName(scenario);
    if (optimizer) tree.optimizer = optimizer;
    if (precision === "bf16") tree.bfloat16 = true;
    if (precision === "bf16-amp") tree.bf16 = true;
    if (precision === "fp16-amp") tree.fp16 = true;
    if (valueAt(scenario, "training.kernels") === "liger") Object.assign(tree, { plugins: ["axolotl.integrations.liger.LigerPlugin"], liger_rope: true, liger_rms_norm: true, liger_glu_activation: true, liger_fused_linear_cross_entropy: true });
  },
};
