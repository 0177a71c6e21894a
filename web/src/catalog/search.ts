// Finding a model or a card by what people type: words in any order, cut short, or slightly misspelt.

export interface Entry {
  id: string;
  name?: string;
}

/** The entries that have every word of the query, the best first; all of them for an empty query. */
export function search<E extends Entry>(query: string, entries: readonly E[]): E[] {
  const words = wordsOf(query);
  if (words.length === 0) return [...entries];
  const found = entries.flatMap((entry, place) => {
    const distance = distanceTo(words, entry);
    return distance === undefined ? [] : [{ entry, distance, place }];
  });
  return found.sort((a, b) => a.distance - b.distance || a.place - b.place).map(({ entry }) => entry);
}

/** "Llama3.1-8B" → llama, 3.1, 8b: a number keeps the letters after it, not those before it. */
function wordsOf(text: string): string[] {
  return [...new Set(text.toLowerCase().match(/[a-z]+|\d+(?:\.\d+)?[a-z]*/g))];
}

/** How far each word is from the nearest one of the entry, and a little for every word that nobody asked for. */
function distanceTo(words: string[], { id, name = "" }: Entry): number | undefined {
  const own = wordsOf(`${id} ${name}`);
  const used = new Set<string>();
  let total = 0;
  for (const word of words) {
    const distances = own.map((candidate) => wordDistance(word, candidate));
    const nearest = Math.min(...distances);
    if (nearest === Infinity) return undefined;
    used.add(own[distances.indexOf(nearest)]);
    total += nearest;
  }
  return total + 0.1 * (own.length - used.size);
}

/** 0 for the same word, less than 1 for a beginning, 1 and more for a part or a misspelling; numbers are never misspelt. */
function wordDistance(word: string, candidate: string): number {
  if (word === candidate) return 0;
  if (candidate.startsWith(word)) return 0.4;
  if (/^\d/.test(word)) return Infinity;
  if (word.length >= 3 && candidate.includes(word)) return 1;
  const allowed = word.length >= 8 ? 2 : word.length >= 4 ? 1 : 0;
  const edits = Math.abs(word.length - candidate.length) <= allowed ? editDistance(word, candidate) : Infinity;
  return edits <= allowed ? 0.5 + edits : Infinity;
}

/** Letters to insert, drop, replace or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2][j - 2] + 1 : Infinity;
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, replaced, swapped);
    }
  }
  return rows[a.length][b.length];
}
