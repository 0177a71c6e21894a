// The contract's shapes as TypeScript sees them. The core's reader is what decides; these only help the editor.

/** A number of bytes. Only web/src/format/bytes.ts turns it into text. */
export type Bytes = number & { readonly __unit?: "bytes" };

export interface ModelRow {
  config: Record<string, unknown>;
  parameters: number;
}
export interface GpuRow {
  name: string;
  memory: string;
  reported?: string;
  computeCapability?: number;
  /** The most of `memory` that the system lends the GPU by default, where both share it. */
  usableShare?: number;
  class?: string;
}
export interface Catalog {
  models: Record<string, ModelRow>;
  gpus: Record<string, GpuRow>;
  /** Inventories by model type, as many as are at hand: those that `architecturesOf` names are enough for a configuration. */
  architectures?: Record<string, unknown>;
}

export interface Scenario {
  model: { id?: string; config?: Record<string, unknown>; parameters?: number; gguf?: unknown; safetensors?: unknown };
  task?: "inference" | "training";
  weights?: string;
  engine?: { name?: string; version?: string; options?: Record<string, unknown> };
  inference?: Record<string, unknown>;
  training?: Record<string, unknown>;
  parallel?: Record<string, unknown>;
  hardware?: { gpu?: string; memory?: string | number; count?: number };
  quick?: { bytesPerSample?: string | number };
  throughput?: { bandwidthShare?: number; computeShare?: number };
  detail?: "summary" | "timeline" | "tensors";
  questions?: string[];
}

export interface Band {
  low: Bytes;
  expected: Bytes;
  high: Bytes;
}
export interface TensorRow {
  name: string;
  component: string;
  shape: number[];
  format: string;
  bytes: Bytes;
  copies: number;
}
export interface Device {
  role: string;
  count: number;
  components: { id: string; bytes: Bytes }[];
  allocatedBytes: Bytes;
  reservedBytes: Band;
  processBytes: Band;
  overheads: (Band & { id: string; source: string })[];
  peakPhase: string;
  usableBytes?: Bytes;
  fits?: boolean;
  headroomBytes?: Bytes;
  /** Of an engine that takes more than it needs: the least in all. */
  neededBytes?: Bytes;
  tensors?: TensorRow[];
}
export interface Moment {
  phase: string;
  at: string;
  bytes: Bytes;
  components: Record<string, Bytes>;
}
/** What fits on the hardware as it is. */
export interface Fit {
  gpusNeeded?: number;
  layout?: Record<string, number>;
  maxContextTokens?: number;
  maxSequences?: number;
  maxMicroBatch?: number;
  maxSequenceTokens?: number;
  trainedTokens?: number;
  largestWeights?: string;
  maxGpuLayers?: number | null;
  limitedBy?: string;
  limits: Record<string, string>;
}
export interface Advice {
  id: string;
  /** A JSON merge patch of the scenario. */
  change: Record<string, unknown>;
  savesBytes: Bytes;
  fits?: boolean;
  costs: { time?: string; quality?: string; complexity?: string };
}
/** Tokens a second. */
export interface Rates {
  low: number;
  expected: number;
  high: number;
}
export interface Answer {
  ok: true;
  scenario: Scenario;
  parameters: { total: number; active: number; trainable: number };
  devices: Device[];
  modelFile: { tensorBytes: Bytes; bitsPerWeight: number };
  kvCache?: { bytesPerToken: Bytes; bytesPerSequence: Bytes; bytes: Bytes; tokensThatFit?: number; concurrency?: number };
  timeline?: Moment[];
  quickEstimate: {
    bytes: Bytes;
    formula: string;
    steps: { id: string; bytes: Bytes }[];
    asPublished?: { bytes: Bytes; note: string };
  };
  explanations?: { id: string; formula: string; substituted: string; source: string }[];
  assumptions: { id: string; message: string }[];
  /** A roofline over the card's printed speeds, times assumed shares of them. */
  throughput?: {
    decodeTokensPerSecond: Rates;
    prefillTokensPerSecond?: Rates;
    bytesPerStep: Bytes;
    operationsPerToken: number;
    bandwidthShare: Rates;
    computeShare: Rates;
    source: string;
  };
  fit?: Fit;
  advice?: Advice[];
}
export interface Issue {
  path: string;
  code: string;
  message: string;
}
export interface Refusal {
  ok: false;
  issues: Issue[];
}
export type Estimate = Answer | Refusal;

export interface Description {
  weights: string[];
  /** All that the engine knows; `weights` are those that a menu offers. */
  allWeights: string[];
  countWeights: string[];
  attention: string[];
  precisions: string[];
  methods?: string[];
  crossEntropy?: string[];
  optimizers: { id: string; name: string }[];
  optimizerSteps: string[];
  checkpointing: string[];
  sources: Record<string, { title: string; url: string }>;
}

/** A field of the scenario, as the reader of the core reads it. */
export interface FieldDescription {
  /** "inference.contextTokens" */
  path: string;
  /** "any": a list or a record, or one of several kinds; docs/scenario.md says which. */
  kind: "count" | "number" | "flag" | "text" | "word" | "size" | "any";
  /** What the answer is made with where the field is not given; absent where nothing is. */
  default?: unknown;
  unit?: "bytes" | "tokens";
  least?: number;
  most?: number;
  words?: string[];
  /** The tasks and engines that read it so, where several were asked. */
  engines?: string[];
}
