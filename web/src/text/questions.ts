// Texts of what fits and of advice.
import { grouped } from "../format/counts";

export const growthNames: Record<string, string> = {
  maxContextTokens: "Longest context, tokens",
  maxSequences: "Most sequences",
  maxMicroBatch: "Largest micro-batch",
  maxSequenceTokens: "Longest sequence, tokens",
};

export const title = "What fits";
export const gpusNeeded = "GPUs needed";
export const trainedTokens = "The model was made for, tokens";
export const largestWeights = "Weights with most bits";
export const maxGpuLayers = "Layers on the GPU";
export const limitedBy = (part: string) => `then ${part} take too much`;
export const apply = "apply";
export const undo = "undo";
export const applied = (name: string) => `Changed: ${name}.`;
export const saves = (size: string) => `saves ${size}`;
export const enough = "fits";
export const notEnough = "not enough alone";
export const costs = { time: "Time", quality: "Quality", complexity: "Needs" };

/** "gpus-4" and "micro-batch-2" carry their number. */
export function changeName(id: string): string {
  return id.split("+").map((part) => names[part] ?? numbered(part)).join(" and ");
}

function numbered(id: string): string {
  const match = /^(gpus|micro-batch)-(\d+)$/.exec(id);
  const ggml = /^weights-(i?q\d.*)$/.exec(id);
  if (ggml) return `weights in ${ggml[1].toUpperCase()}`;
  if (!match) return id.replaceAll("-", " ");
  return match[1] === "gpus" ? `${match[2]} GPUs` : `a micro-batch of ${match[2]}, accumulated`;
}

const names: Record<string, string> = {
  "cross-entropy-inplace": "cross entropy in place",
  "cross-entropy-chunked": "cross entropy in chunks",
  "cross-entropy-fused": "fused cross entropy",
  "liger-kernels": "Liger's kernels",
  "checkpointing-full": "checkpointing of every layer",
  "checkpointing-selective": "selective checkpointing",
  "checkpointing-offload": "checkpointing with inputs in main memory",
  "activations-offload": "activations in main memory",
  "reference-precomputed": "the reference's scores made beforehand",
  "rollout-sleeps": "vLLM asleep while the model is trained",
  "optimizer-in-backward": "the optimizer's step in backward",
  "optimizer-8bit": "8-bit AdamW",
  "optimizer-4bit": "AdamW with 4-bit states",
  "optimizer-adafactor": "Adafactor",
  "optimizer-adalomo": "AdaLomo, stepping in backward",
  "optimizer-sgd": "SGD",
  "precision-bf16": "pure bf16",
  "precision-amp": "bf16 autocast",
  "optimizer-offload": "the optimizer in main memory",
  "parameters-offload": "weights and the optimizer in main memory",
  "gradients-in-buckets": "gradients in the buckets that are summed",
  lora: "LoRA",
  qlora: "QLoRA",
  "kv-fp8": "KV cache in FP8",
  "kv-q8_0": "KV cache in Q8_0",
  "kv-q4_0": "KV cache in Q4_0",
  "prefill-chunks": "prompts in chunks of 2,048",
  "prefill-chunks-512": "prompts in chunks of 512",
  "weights-fp8": "weights in FP8",
  "weights-int8": "weights in LLM.int8",
  "weights-awq-4": "AWQ weights",
  "weights-gptq-4": "GPTQ weights",
  "weights-nf4": "weights in NF4",
  "weights-16-bits": "weights in 16 bits",
  "vae-slicing": "VAE slicing",
  "vae-tiling": "VAE tiling",
  "optimizer-paged-8bit": "paged 8-bit AdamW",
  "optimizer-step-fused": "a fused optimizer step",
  "experts-on-host": "experts in main memory",
  "cache-on-host": "the KV cache in main memory",
};

/** What could grow on the card as it is. */
export function roomFor(sequences: number, tokens: number): string {
  const ways = [sequences > 0 ? `${grouped(sequences)} more ${sequences === 1 ? "sequence" : "sequences"}` : "", tokens > 0 ? `${grouped(tokens)} more tokens` : ""];
  return `Room for ${ways.filter(Boolean).join(" or ")}.`;
}
export const roomForBatch = (batch: number) => `Room for a micro-batch of ${grouped(batch)}.`;
