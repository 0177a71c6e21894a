// What a typed name stands for.

const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, "");

/** The id that the text is, or the only one that reads the same, with or without its maker. Otherwise the text as it is. */
export function idOf(text: string, rows: Record<string, object>): string {
  if (Object.hasOwn(rows, text)) return text;
  const wanted = plain(text);
  const reads = (id: string) => [id, id.slice(id.indexOf("/") + 1), (rows[id] as { name?: string }).name ?? ""].some((name) => plain(name) === wanted);
  const same = wanted ? Object.keys(rows).filter(reads) : [];
  return same.length === 1 ? same[0] : text.trim();
}
