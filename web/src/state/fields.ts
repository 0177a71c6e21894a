// The fields of the form: which place of the scenario each fills, and when it can change the answer.
import type { Words } from "./description";

type Values = Record<string, string>;

export interface Field {
  /** Where its text lies in the form; differs from the path only where one path has two fields. */
  key: string;
  path: string;
  kind: "count" | "number" | "word" | "flag" | "size" | "names";
  folded?: boolean;
  words?: (words: Words, values: Values) => string[];
  shown: (values: Values) => boolean;
}

/** What the menu of weights puts together; GGUF file types are written in capitals. */
export function weightGroup(format: string): "full" | "eight" | "four" | "gguf" {
  if (/^[A-Z]/.test(format)) return "gguf";
  return /^(bf16|fp16|fp32|)$/.test(format) ? "full" : /^(fp8|int8|mxfp8|w8)/.test(format) ? "eight" : "four";
}
/** What llama.cpp offers for keys and values. */
const cacheFormats = ["fp16", "bf16", "fp32", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"];

const layersKnown = (v: Values) => v["model.by"] !== "parameters";
const inference = (v: Values) => v.task === "inference";
const training = (v: Values) => !inference(v);
const serving = (v: Values) => inference(v) && layersKnown(v);
const stepping = (v: Values) => training(v) && layersKnown(v);
const adapting = (v: Values) => stepping(v) && !["", "full", undefined].includes(v[methodKey]);
/** A GGUF file's type makes the engine llama.cpp, unless another one is asked for. */
const engineOf = (v: Values) => v["engine.name"] || (weightGroup(v.weights ?? "") === "gguf" ? "llama.cpp" : "transformers");
const sampled = (v: Values) => Boolean(v["quick.bytesPerSample"]);
const several = (v: Values) => !["", "1", undefined].includes(v["training.gradientAccumulation"]?.trim());

type Extra = Pick<Field, "folded" | "words"> & { key?: string };
const field = (path: string, kind: Field["kind"], shown: Field["shown"], extra: Extra = {}): Field => ({ key: path, path, kind, shown, ...extra });
const count = (path: string, shown: Field["shown"], folded = false) => field(path, "count", shown, { folded });
const word = (path: string, shown: Field["shown"], words: Field["words"], folded = false) => field(path, "word", shown, { words, folded });

/** Shown as a row of buttons, not with the others. */
export const methodKey = "training.method";
export const targetsKey = "training.lora.targets";
/** In the menu of modules, what opens a field for their names. */
export const otherTargets = "other";
export const targetChoices = ["q_proj, v_proj", "all-linear"];

export const fields: Field[] = [
  word(methodKey, stepping, (d) => d.methods),
  word("weights", serving, (d) => d.weights),
  word("inference.kvFormat", (v) => serving(v) && engineOf(v) === "llama.cpp", () => cacheFormats),
  field("weights", "word", (v) => inference(v) && !layersKnown(v), { key: "count.weights", words: (d) => d.countWeights }),
  count("inference.contextTokens", serving),
  count("inference.promptTokens", serving),
  count("inference.sequences", (v) => serving(v) || (inference(v) && sampled(v))),
  count("training.lora.rank", adapting),
  field(targetsKey, "names", adapting, { words: () => [...targetChoices, otherTargets] }),
  field(targetsKey, "names", (v) => adapting(v) && v[targetsKey] === otherTargets, { key: "lora.names" }),
  // A frozen base lies in 16 bits or fewer; fp32 is for weights that are trained.
  word("training.precision", training, (d, v) => (adapting(v) ? d.precisions.filter((precision) => precision !== "fp32") : d.precisions)),
  word("training.optimizer", training, (d) => d.optimizers.map(({ id }) => id)),
  count("training.microBatch", (v) => stepping(v) || (training(v) && sampled(v))),
  count("training.sequenceTokens", stepping),
  word("training.checkpointing", stepping, (d) => d.checkpointing),
  word("engine.name", serving, () => ["transformers", "llama.cpp"], true),
  word("inference.attention", serving, (d) => d.attention, true),
  count("inference.prefillTokens", serving, true),
  field("training.lora.dropout", "number", adapting, { folded: true }),
  word("training.lora.format", adapting, () => ["fp32", "bf16", "fp16"], true),
  word("training.crossEntropy", stepping, (d) => d.crossEntropy, true),
  word("training.attention", stepping, (d) => d.attention, true),
  // Only autocast leaves a choice of what the weights are stored in; a base in 4 bits leaves none.
  field("weights", "word", (v) => training(v) && v[methodKey] !== "qlora" && (v["training.precision"] === "bf16-amp" || Boolean(v["amp.weights"])), {
    key: "amp.weights",
    words: () => ["fp32", "bf16"],
    folded: true,
  }),
  word("training.optimizerStep", stepping, (d) => d.optimizerSteps, true),
  count("training.gradientAccumulation", (v) => stepping(v) && (v["training.optimizerInBackward"] !== "true" || several(v)), true),
  field("training.optimizerInBackward", "flag", (v) => stepping(v) && (!several(v) || v["training.optimizerInBackward"] === "true"), { folded: true }),
  field("quick.bytesPerSample", "size", () => true, { folded: true }),
];

export const shownFields = (values: Values) => fields.filter(({ shown }) => shown(values));
