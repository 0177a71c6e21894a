// JSON as Python writes it: `NaN`, `Infinity` and `-Infinity` are words of it, and a byte-order mark may lead.

/** Longest text that is taken for a configuration or a scenario; real ones have a few kilobytes. */
export const longestText = 4_000_000;

export class UnreadableJson extends Error {}

/** Reads JSON text; throws UnreadableJson with a sentence for people. NaN becomes Infinity: neither is a size. */
export function parseJson(text: string): unknown {
  if (text.length > longestText) throw new UnreadableJson("The text is too long for a config.json or a scenario (more than 4 MB).");
  const bare = text.replace(/^\uFEFF/, "");
  try {
    return JSON.parse(bare);
  } catch (error) {
    try {
      return JSON.parse(withoutPythonNumbers(bare));
    } catch {
      throw new UnreadableJson(`This is not valid JSON: ${(error as Error).message}`);
    }
  }
}

/**
 * Python's words outside of strings, as numbers too large for JSON to hold. The pattern for strings matches from every
 * quote, closed or not: one that can fail would be tried again from each later quote, and hostile text takes hours.
 */
function withoutPythonNumbers(text: string): string {
  return text.replace(/"(?:[^"\\]+|\\[^]?)*"?|-?\bInfinity\b|\bNaN\b/g, (part) => {
    if (part[0] === '"') return part;
    return part[0] === "-" ? "-1e999" : "1e999";
  });
}
