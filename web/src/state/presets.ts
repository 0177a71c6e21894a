// Questions that many people bring.
import type { Scenario } from "../engine/types";
import * as text from "../text/en";

const lora = { rank: 16, targets: ["all-linear"] };

export const presets: { name: string; scenario: Scenario }[] = [
  {
    name: text.presets.qlora,
    scenario: {
      model: { id: "meta-llama/Llama-3.1-8B" },
      task: "training",
      training: { method: "qlora", lora, checkpointing: "full" },
      hardware: { gpu: "nvidia/rtx-4090" },
    },
  },
  {
    name: text.presets.lora,
    scenario: {
      model: { id: "Qwen/Qwen3-32B" },
      task: "training",
      training: { method: "lora", lora, checkpointing: "full" },
      hardware: { gpu: "nvidia/h100-sxm-80gb" },
    },
  },
  {
    name: text.presets.full,
    scenario: { model: { id: "meta-llama/Llama-3.2-1B" }, task: "training", training: { checkpointing: "full" }, hardware: { gpu: "nvidia/rtx-4090" } },
  },
  {
    name: text.presets.serving,
    scenario: { model: { id: "meta-llama/Llama-3.1-70B" }, task: "inference", inference: { contextTokens: 8192 }, hardware: { gpu: "nvidia/b200" } },
  },
];
