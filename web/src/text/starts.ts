// Texts of where to start from, and of how to go back.

export const examples = "Examples";
export const presets = {
  qlora: "8B QLoRA on 24 GB",
  lora: "32B LoRA on 80 GB",
  full: "Full fine-tune of 1B",
  serving: "Serve 70B on a B200",
  pooled: "vLLM, 32B in FP8 on 48 GB",
  local: "30B-A3B GGUF on 24 GB",
  images: "FLUX images on 32 GB",
  rewards: "GRPO of 4B on 80 GB",
  cluster: "405B on 1,024 GPUs",
};
export const recent = "Recently used";
export const forget = "Forget these";
export const undo = "Undo";
export const redo = "Redo";
export const changes = "Changes";
export const undone = "The last change is taken back.";
export const redone = "The change is made again.";
