// Questions that many people bring.
import type { Scenario } from "../../engine/types";
import * as text from "../../text/starts";

const lora = { rank: 16, targets: ["all-linear"] };

export const presets: { name: string; scenario: Scenario }[] = [
  {
    name: text.presets.qlora,
    scenario: { model: { id: "meta-llama/Llama-3.1-8B" }, task: "training", training: { method: "qlora", lora, checkpointing: "full" }, hardware: { gpu: "nvidia/rtx-4090" } },
  },
  {
    name: text.presets.lora,
    scenario: { model: { id: "Qwen/Qwen3-32B" }, task: "training", training: { method: "lora", lora, checkpointing: "full" }, hardware: { gpu: "nvidia/h100-sxm-80gb" } },
  },
  {
    name: text.presets.full,
    scenario: { model: { id: "meta-llama/Llama-3.2-1B" }, task: "training", training: { checkpointing: "full" }, hardware: { gpu: "nvidia/rtx-4090" } },
  },
  {
    name: text.presets.rewards,
    scenario: {
      model: { id: "Qwen/Qwen3-4B" },
      task: "training",
      training: { method: "lora", lora, checkpointing: "full", rl: { algorithm: "grpo" } },
      hardware: { gpu: "nvidia/h100-sxm-80gb" },
    },
  },
  {
    name: text.presets.cluster,
    scenario: {
      model: { id: "meta-llama/Llama-3.1-405B" },
      task: "training",
      engine: { name: "megatron" },
      training: { sequenceTokens: 8192 },
      parallel: { tensor: 8, pipeline: 16, data: 8, zero: 1 },
      hardware: { gpu: "nvidia/h100-sxm-80gb" },
    },
  },
  {
    name: text.presets.serving,
    scenario: { model: { id: "meta-llama/Llama-3.1-70B" }, task: "inference", inference: { contextTokens: 8192 }, hardware: { gpu: "nvidia/b200" } },
  },
  {
    name: text.presets.pooled,
    scenario: { model: { id: "Qwen/Qwen3-32B" }, task: "inference", weights: "fp8", engine: { name: "vllm" }, inference: { contextTokens: 16384 }, hardware: { gpu: "nvidia/l40s" } },
  },
  {
    name: text.presets.local,
    scenario: { model: { id: "Qwen/Qwen3-30B-A3B" }, task: "inference", weights: "Q4_K_M", inference: { contextTokens: 16384 }, hardware: { gpu: "nvidia/rtx-4090" } },
  },
  {
    name: text.presets.images,
    scenario: { model: { id: "black-forest-labs/FLUX.1-dev" }, task: "inference", engine: { name: "diffusers", options: { enable_model_cpu_offload: true } }, hardware: { gpu: "nvidia/rtx-5090" } },
  },
];
