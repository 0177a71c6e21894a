// Finding a model by what people type: case, spaces and punctuation do not count, words may come in any order.
import type { ModelRow } from "../engine/types";

const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, "");
const wordsOf = (text: string) => text.toLowerCase().match(/[a-z]+|[\d.]+/g) ?? [];

/** Ids that hold every word of the query, the closest first. */
export function findModels(query: string, models: Record<string, ModelRow>, most = 60): string[] {
  const words = wordsOf(query).map(plain).filter(Boolean);
  return Object.keys(models)
    .map((id) => ({ id, text: plain(id) }))
    .filter(({ text }) => words.every((word) => text.includes(word)))
    .sort((a, b) => rank(a.text, words) - rank(b.text, words) || a.id.localeCompare(b.id, "en", { numeric: true }))
    .slice(0, most)
    .map(({ id }) => id);
}

/** What is left over when the words are taken away: "8b" is nearer to "llama8b" than to "llama38binstruct". */
const rank = (text: string, words: string[]) => text.length - words.join("").length + (text.includes(words.join("")) ? 0 : 1000);

/** The id that the text stands for: itself, or the only one that reads the same. Otherwise the text as it is. */
export function resolveModel(text: string, models: Record<string, ModelRow>): string {
  if (Object.hasOwn(models, text)) return text;
  const wanted = plain(text);
  const same = wanted ? Object.keys(models).filter((id) => plain(id) === wanted || plain(id.split("/")[1] ?? "") === wanted) : [];
  return same.length === 1 ? same[0] : text.trim();
}
