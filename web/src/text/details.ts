// Texts of everything below the verdict and the bar.

export const trained = (count: string) => `${count} of them are trained`;
export const devices = "By device";
export const timeline = "One pass over time";
export const timelineNote = "tensors only; overheads come on top";
export const asTable = "As a table";
export const phase = "Phase";
export const place = "Where";
export const atPeak = "peak";
export const breakdown = "What is alive at the peak";
export const component = "Part";
export const percent = "%";
export const allocated = "All tensors";
export const reserved = "Held by the allocator";
export const process = "The whole process";
export const source = "Source";
export const tensor = "Tensor";
export const shape = "Shape";
export const format = "Format";
export const copies = "of them";
export const allTensors = (count: number) => `Show all ${count}`;
export const noTensors = "No single tensors are known for this.";
export const quick = "Rule of thumb";
export const quickLess = (size: string) => `${size} less than the process needs.`;
export const quickMore = (size: string) => `${size} more than the process needs.`;
export const whyInference = (cache: string, other: string, overheads: string) =>
  `It adds a flat fifth to the weights, whatever the length and the number of sequences. Counted here: KV cache ${cache}, activations and logits ${other}, overheads ${overheads}.`;
export const whyTraining = (states: string, other: string, overheads: string) =>
  `It takes four times the weights, whatever the optimizer, and nothing for length and batch. Counted here: gradients and optimizer states alive at the peak ${states}, activations and logits ${other}, overheads ${overheads}.`;
export const published = "As published";
export const sweepTitle = "Sweep";
export const planTitle = "Plan: layouts, cards and models";
export const ladderTitle = "Ladder of methods";
export const compareTitle = (count: number) => (count > 0 ? `Compare (${count} put aside)` : "Compare");
export const commandTitle = "Command";
export const embedTitle = "Embed this";
export const logTitle = "Compare with your log";
export const assumptions = "Assumptions";
export const throughput = "Tokens a second";
export const decodeRate = "answer";
export const prefillRate = "prompt";
export const between = (low: string, high: string) => `(${low} to ${high})`;
export const share = (of: number) => `${Math.round(of * 100)} %`;
export const shares = (bandwidth: string, compute: string) =>
  `A roofline, not a measurement: all sequences together, contexts full, at ${bandwidth} of the card's printed bandwidth and ${compute} of its printed speed. Both shares are assumed; throughput.bandwidthShare and throughput.computeShare set them.`;

const overheads: Record<string, string> = {
  "cuda-context": "CUDA context",
  "cuda-graphs-serving": "CUDA graphs",
  "nccl-communicator": "NCCL communicator",
  "vllm-outside-torch": "outside of PyTorch",
};

export const overheadNames = (id: string): string =>
  id.startsWith("cublas") ? "cuBLAS workspace" : id.startsWith("allocator") ? "Allocator's slack" : overheads[id] ?? id;

export const stepNames: Record<string, string> = {
  storage: "storage",
  overhead: "a fifth more",
  gradients: "gradients",
  optimizer: "optimizer",
  "training-factor": "× 4 in all",
  samples: "samples",
};
export const notLoaded = "This part could not be loaded. Closing and opening it tries again.";
