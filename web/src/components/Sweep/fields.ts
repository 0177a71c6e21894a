// Which fields can go through values, and through which to begin with.
import type { Words } from "../../state/description";
import type { Field } from "../../state/field";
import type { Values } from "../../state/traits";

/** Numbers and menus; what is typed as text or as a list has no values in between. */
export const canSweep = ({ kind, words }: Field) => kind === "count" || (kind === "number" && !words) || kind === "word";

export function valuesAtFirst({ path, words }: Field, known: Words, values: Values): string {
  if (words) return words(known, values).filter(Boolean).slice(0, mostWords).join(", ");
  if (path === "inference.memoryFraction") return "0.5, 0.6, 0.7, 0.8, 0.9, 0.95";
  if (/Share$/.test(path)) return "0.3, 0.5, 0.7, 0.9";
  if (/Tokens$|max_model_len$/.test(path)) return "1024..131072";
  if (/rank$/i.test(path)) return "4..256";
  return "1..64";
}

/** A menu may have some 40 formats. */
const mostWords = 16;

/** What a sweep is opened with. */
export const usual = { inference: "inference.contextTokens", training: "training.sequenceTokens" };
