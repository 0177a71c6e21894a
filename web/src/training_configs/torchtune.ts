// torchtune's YAML.
// Source: torchtune/models/llama3_1/_component_builders.py, recipes/configs
import { setAt, valueAt } from "../state/paths";
import { everyLinear, row, targetsIn, type Tool } from "./tool";
import type { Tree } from "../commands/flag";

const feedForward = ["gate_proj", "up_proj", "down_proj"];
const attention = ["q_proj", "k_proj", "v_proj", "o_proj"];
const optimizers: [component: string, ours: string, fused?: boolean][] = [
  ["torch.optim.AdamW", "adamw", true], ["torch.optim.AdamW", "adamw"], ["bitsandbytes.optim.PagedAdamW8bit", "paged-adamw-8bit"], ["bitsandbytes.optim.AdamW8bit", "adamw-8bit"],
  ["torchao.optim.AdamW8bit", "adamw-8bit"], ["torchao.optim.AdamW4bit", "adamw-4bit"], ["torch.optim.SGD", "sgd"], ["torch.optim.Adafactor", "adafactor"],
];

export const torchtune: Tool = {
  id: "torchtune",
  name: "torchtune",
  form: "yaml",
  is: (tree) => typeof valueAt(tree, "model._component_") === "string",
  rows: [
    row("training.microBatch", undefined, "batch_size"),
    row("training.gradientAccumulation", undefined, "gradient_accumulation_steps"),
    row("training.sequenceTokens", undefined, "tokenizer.max_seq_len"),
    row("training.lora.rank", undefined, "model.lora_rank"),
    row("training.lora.dropout", undefined, "model.lora_dropout"),
    row("training.precision", { bf16: "bf16", fp32: "fp32" }, "dtype"),
    row("training.checkpointing", { true: "full", false: "none" }, "enable_activation_checkpointing"),
    row("training.optimizerInBackward", { true: true, false: false }, "optimizer_in_bwd"),
    row("parallel.tensor", undefined, "tensor_parallel_dim"),
    row("parallel.context", undefined, "context_parallel_dim"),
  ],
  matters: ["enable_activation_offloading", "compile", "fsdp_cpu_offload", "data_parallel_shard_dim", "data_parallel_replicate_dim", "custom_sharded_layers", "quantizer"],
  read(tree, scenario, notes) {
    const component = String(valueAt(tree, "model._component_"));
    const builder = component.split(".").at(-1) ?? "";
    const adapted = builder.startsWith("lora_") || builder.startsWith("qlora_");
    const four = builder.startsWith("qlora_") || valueAt(tree, "model.quantize_base") === true;
    const method = !adapted ? "full" : valueAt(tree, "model.use_dora") === true ? "dora" : four ? "qlora" : "lora";
    setAt(scenario, "training.method", method);
    const modules = valueAt(tree, "model.lora_attn_modules");
    const named = (Array.isArray(modules) ? modules : []).map((name) => (name === "output_proj" ? "o_proj" : String(name)));
    if (valueAt(tree, "model.apply_lora_to_mlp") === true) named.push(...feedForward);
    if (valueAt(tree, "model.apply_lora_to_output") === true) named.push("lm_head");
    if (adapted && named.length > 0) setAt(scenario, "training.lora.targets", named);
    readOptimizer(tree, scenario, notes);
    const loss = String(valueAt(tree, "loss._component_") ?? "");
    if (/Chunked|LinearCrossEntropy/.test(loss)) setAt(scenario, "training.crossEntropy", "chunked");
    if (valueAt(scenario, "training.sequenceTokens") === undefined) notes.push("No max_seq_len: the longest sample decides, so set the length.");
    const folder = valueAt(tree, "checkpointer.checkpoint_dir");
    return typeof folder === "string" ? folder.replace(/\/+$/, "").split("/").at(-1) : builder.replace(/^q?lora_/, "");
  },
  write(scenario, tree, model) {
    const method = valueAt(scenario, "training.method") ?? "full";
    const builder = `${method === "full" ? "" : method === "qlora" ? "qlora_" : "lora_"}MODEL`;
    setAt(tree, "model._component_", `torchtune.models.FAMILY.${builder}`);
    if (method === "dora") setAt(tree, "model.use_dora", true);
    const targets = everyLinear(targetsIn(scenario)) ? [...attention, ...feedForward] : targetsIn(scenario);
    const inAttention = targets.filter((name) => attention.includes(name)).map((name) => (name === "o_proj" ? "output_proj" : name));
    if (method !== "full") Object.assign(tree.model as Tree, { lora_attn_modules: inAttention, apply_lora_to_mlp: targets.includes("up_proj"), apply_lora_to_output: targets.includes("lm_head") });
    setAt(tree, "checkpointer.checkpoint_dir", `/tmp/${model.split("/").at(-1)}`);
    const [component, , fused] = optimizers.find(([, ours, one]) => ours === valueAt(scenario, "training.optimizer") && Boolean(one) === (valueAt(scenario, "training.optimizerStep") === "fused")) ?? optimizers.find(([, ours]) => ours === valueAt(scenario, "training.optimizer")) ?? [];
    if (component) tree.optimizer = { _component_: component, ...(fused && { fused }) };
    if (valueAt(scenario, "training.crossEntropy") === "chunked") tree.loss = { _component_: "torchtune.modules.loss.LinearCrossEntropyLoss" };
  },
};

function readOptimizer(tree: Tree, scenario: Tree, notes: string[]): void {
  const component = valueAt(tree, "optimizer._component_");
  if (typeof component !== "string") return;
  const fused = valueAt(tree, "optimizer.fused") === true;
  const found = optimizers.find(([name, , one]) => name === component && Boolean(one) === fused) ?? optimizers.find(([name]) => name === component);
  if (!found) return void notes.push(`The optimizer ${component.slice(0, 60)} has no name here: the default stays.`);
  setAt(scenario, "training.optimizer", found[1]);
  if (found[2]) setAt(scenario, "training.optimizerStep", "fused");
}
