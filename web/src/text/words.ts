// What the scenario's and the estimate's words are called. A word without an entry is shown as it is.

export const weightGroups = { full: "16 and 32 bits", eight: "8 bits", four: "4 bits", gguf: "GGUF files (llama.cpp)" };

const words: Record<string, string> = {
  inference: "Inference",
  training: "Training",
  none: "none",
  full: "every layer",
  flash: "flash",
  sdpa: "SDPA (memory-efficient)",
  eager: "eager",
  transformers: "Transformers",
  vllm: "vLLM",
  sglang: "SGLang",
  "tensorrt-llm": "TensorRT-LLM",
  mlx: "MLX (mlx-lm)",
  exllamav2: "ExLlamaV2",
  exllamav3: "ExLlamaV3",
  diffusers: "Diffusers",
  torch: "plain PyTorch, DDP",
  fsdp: "PyTorch FSDP",
  deepspeed: "DeepSpeed",
  megatron: "Megatron",
  dynamic: "grows with the text",
  static: "full length from the start",
  quantized: "in 4 bits (quanto)",
  "fp8-block": "FP8 in blocks (DeepSeek's)",
  fp8: "FP8",
  int8: "LLM.int8 (bitsandbytes)",
  nf4: "NF4 (bitsandbytes)",
  "nf4-dq": "NF4, double quantised",
  "gptq-4-128": "GPTQ",
  "awq-4-128": "AWQ",
  "hqq-4-64": "HQQ",
  mxfp4: "MXFP4",
  nvfp4: "NVFP4",
  "megatron-bf16": "bf16, fp32 master weights",
  "megatron-fp16": "fp16, fp32 master weights",
  selective: "attention only",
  "bf16-amp": "bf16 autocast",
  "fp16-amp": "fp16 autocast",
};
/** Where a word means something else in one menu. */
const own: Record<string, Record<string, string>> = {
  "training.method": { full: "Full", lora: "LoRA", qlora: "QLoRA", dora: "DoRA", prompt: "Prompt" },
  "training.crossEntropy": { full: "all logits at once", chunked: "in chunks", inplace: "in place", fused: "fused with the head" },
  "llama.engine": { "llama.cpp": "llama-server", ollama: "Ollama" },
  "llama.attention": { eager: "without flash attention" },
  "training.vision": { frozen: "frozen, projector too", projector: "frozen, projector trained", trained: "trained" },
  "training.rl.rollout": { server: "another machine", "colocated-vllm": "vLLM on this card" },
  "training.kernels": { torch: "PyTorch", liger: "Liger" },
  "parallel.zero": { "0": "nothing", "1": "optimizer states", "2": "and gradients", "3": "and parameters" },
  "training.lora.targets": { "q_proj, v_proj": "q and v of attention", "all-linear": "all linear layers", other: "other modules …" },
};
export const wordName = (word: string) => words[word] ?? word;

/** An option of a menu; optimizers bring their names with them. */
export const optionName = (key: string, word: string, { optimizers }: { optimizers: { id: string; name: string }[] }) =>
  key === "training.optimizer" ? (optimizers.find(({ id }) => id === word)?.name ?? word) : (own[key]?.[word] ?? wordName(word));

export const componentNames: Record<string, string> = {
  weights: "Weights",
  "kv-cache": "Memory of past tokens (KV cache)",
  "recurrent-state": "Recurrent state",
  activations: "Activations",
  logits: "Logits",
  gradients: "Gradients",
  "optimizer-states": "Optimizer states",
  workspace: "Buffers",
  rounding: "Rounding to 512 B",
};
const shortNames: Record<string, string> = { "kv-cache": "KV cache", "optimizer-states": "Optimizer states", rounding: "Rounding" };
export const shortName = (id: string) => shortNames[id] ?? componentNames[id] ?? id;
/** Within a sentence: "KV cache" keeps its capitals. */
export const spokenName = (id: string) => (id === "kv-cache" ? "the keys and values of past tokens" : shortName(id).toLowerCase());

/** Where in a pass, as the sentence about the peak says it. */
export const phaseNames: Record<string, { name: string; at: string }> = {
  load: { name: "load", at: "after loading" },
  prefill: { name: "prefill", at: "in the prefill" },
  decode: { name: "decode", at: "while decoding" },
  forward: { name: "forward", at: "in the forward pass" },
  loss: { name: "loss", at: "in the loss" },
  rollout: { name: "rollout", at: "while answers are generated" },
  scoring: { name: "scoring", at: "while answers are scored" },
  reference: { name: "reference", at: "in the reference model" },
  backward: { name: "backward", at: "in the backward pass" },
  "optimizer-step": { name: "step", at: "in the optimizer step" },
  "text-encode": { name: "text", at: "in the text encoder" },
  denoise: { name: "denoising", at: "while denoising" },
  "vae-decode": { name: "decoding", at: "in the image decoder" },
};

const makers: Record<string, string> = { nvidia: "NVIDIA", amd: "AMD" };
export const makerName = (maker: string) => makers[maker] ?? maker.charAt(0).toUpperCase() + maker.slice(1);
