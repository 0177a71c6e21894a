// A field of the form: which place of the scenario it fills, and when it can change the answer.
import type { Scenario } from "../engine/types";
import type { Words } from "./description";
import { engineOf, is, type Values } from "./traits";

export interface Field {
  /** Where its text lies in the form; differs from the path only where one path has two fields. */
  key: string;
  path: string;
  kind: "count" | "number" | "word" | "flag" | "size" | "names" | "numbers" | "model";
  folded?: boolean;
  /** Stands with the cards rather than with the task. */
  place?: "hardware";
  /** By engine, the place that says the same; a scenario may have either. */
  also?: Record<string, string>;
  words?: (words: Words, values: Values) => string[];
  shown: (values: Values) => boolean;
  /** Hidden all the same, unless something is typed into it: by what was answered last, if anything was. */
  idle?: (scenario: Scenario | undefined, words: Words, values: Values) => boolean;
}

export type Shown = Field["shown"];
type Extra = Omit<Partial<Field>, "path" | "kind" | "shown">;

export const field = (path: string, kind: Field["kind"], shown: Shown, extra: Extra = {}): Field => ({ key: path, path, kind, shown, ...extra });
export const count = (path: string, shown: Shown, extra: Extra = {}) => field(path, "count", shown, extra);
export const flag = (path: string, shown: Shown, extra: Extra = {}) => field(path, "flag", shown, extra);
export const word = (path: string, shown: Shown, words: Field["words"], extra: Extra = {}) => field(path, "word", shown, { words, ...extra });

export const methodKey = "training.method";

export const layersKnown = (v: Values) => v["model.by"] !== "parameters";
export const inference = (v: Values) => v.task === "inference";
export const training = (v: Values) => !inference(v);
export const pipeline = (v: Values) => inference(v) && is(v, "pipeline");
/** A language model that runs. */
export const serving = (v: Values) => inference(v) && layersKnown(v) && !pipeline(v);
export const stepping = (v: Values) => training(v) && layersKnown(v);
export const adapting = (v: Values) => stepping(v) && !["", "full", "prompt", undefined].includes(v[methodKey]);
export const sampled = (v: Values) => Boolean(v["quick.bytesPerSample"]);

/** Inference of a language model with one of these engines. */
export const under = (...engines: string[]) => (v: Values) => serving(v) && engines.includes(engineOf(v));
/** Training with one of these. */
export const trainedBy = (...engines: string[]) => (v: Values) => stepping(v) && engines.includes(engineOf(v));

export const folded = { folded: true };
