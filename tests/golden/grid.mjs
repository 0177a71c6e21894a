// One small model of each family, with every combination of the choices that change memory.

export const smallest = [
  "HuggingFaceTB/SmolLM2-135M-Instruct", "mistralai/Mistral-7B-v0.1", "Qwen/Qwen2.5-0.5B", "Qwen/Qwen3-0.6B",
  "microsoft/Phi-3-mini-4k-instruct", "google/gemma-2b", "google/gemma-2-2b-it", "google/gemma-3-270m",
  "openai-community/gpt2", "EleutherAI/pythia-14m", "facebook/opt-125m", "facebook/opt-350m",
];

const inference = product({
  weights: ["bf16", "fp16", "fp32"],
  attention: ["flash", "sdpa", "eager"],
  tokens: [{ contextTokens: 1000 }, { sequences: 3, contextTokens: 512, promptTokens: 77 }],
});

const training = product({
  precision: ["fp32", "bf16", "bf16-amp"],
  attention: ["flash", "sdpa", "eager"],
  optimizer: ["adamw", "sgd", "sgd-momentum"],
  optimizerStep: ["fused", "foreach", "loop"],
  checkpointing: ["none", "full"],
  gradientAccumulation: [1, 3],
});

/** Scenarios in a fixed order; contradictions among them are answered with issues, which have to agree, too. */
export function grid() {
  return smallest.flatMap((id) => [
    ...inference.map(({ weights, attention, tokens }) => ({ model: { id }, weights, inference: { attention, ...tokens }, detail: "tensors" })),
    ...training.map((choices, i) => ({
      model: { id },
      task: "training",
      training: { ...choices, microBatch: 2, sequenceTokens: 333 },
      detail: ["summary", "timeline", "tensors"][i % 3],
    })),
  ]);
}

/** {a: [1, 2], b: [3]} → [{a: 1, b: 3}, {a: 2, b: 3}] */
function product(choices) {
  return Object.entries(choices).reduce(
    (made, [name, values]) => made.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}
