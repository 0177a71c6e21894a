// The fields of the form: which place of the scenario each fills, and when it can change the answer.
import type { Description } from "../engine/types";

type Values = Record<string, string>;

export interface Field {
  /** Where its text lies in the form; differs from the path only where one path has two menus. */
  key: string;
  path: string;
  kind: "count" | "word" | "flag" | "size";
  folded?: boolean;
  words?: (description: Description) => string[];
  shown: (values: Values) => boolean;
}

const layersKnown = (v: Values) => v["model.by"] !== "parameters";
const inference = (v: Values) => v.task === "inference";
const training = (v: Values) => !inference(v);
const serving = (v: Values) => inference(v) && layersKnown(v);
const stepping = (v: Values) => training(v) && layersKnown(v);
const sampled = (v: Values) => Boolean(v["quick.bytesPerSample"]);
const several = (v: Values) => !["", "1", undefined].includes(v["training.gradientAccumulation"]?.trim());

type Extra = Pick<Field, "folded" | "words"> & { key?: string };
const field = (path: string, kind: Field["kind"], shown: Field["shown"], extra: Extra = {}): Field => ({ key: path, path, kind, shown, ...extra });
const count = (path: string, shown: Field["shown"], folded = false) => field(path, "count", shown, { folded });
const word = (path: string, shown: Field["shown"], words: Field["words"], folded = false) => field(path, "word", shown, { words, folded });

export const fields: Field[] = [
  word("weights", serving, (d) => d.weights),
  field("weights", "word", (v) => inference(v) && !layersKnown(v), { key: "count.weights", words: (d) => d.countWeights }),
  count("inference.contextTokens", serving),
  count("inference.promptTokens", serving),
  count("inference.sequences", (v) => serving(v) || (inference(v) && sampled(v))),
  word("training.precision", training, (d) => d.precisions),
  word("training.optimizer", training, (d) => d.optimizers.map(({ id }) => id)),
  count("training.microBatch", (v) => stepping(v) || (training(v) && sampled(v))),
  count("training.sequenceTokens", stepping),
  word("training.checkpointing", stepping, (d) => d.checkpointing),
  word("inference.attention", serving, (d) => d.attention, true),
  count("inference.prefillTokens", serving, true),
  word("training.attention", stepping, (d) => d.attention, true),
  // Only autocast leaves a choice of what the weights are stored in.
  field("weights", "word", (v) => training(v) && (v["training.precision"] === "bf16-amp" || Boolean(v["amp.weights"])), {
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
