// vLLM says what loading took, what is left for its pool, and how many tokens that is. Its older GB are GiB.
import { bytesOf } from "../format/bytes";
import { type LogReader, numberOf, type Reading } from "./reading";

const size = "(-?[\\d.]{1,12}) ?(?:GiB|GB)";

const sizes: [Reading["quantity"], RegExp][] = [
  ["weights", new RegExp(`(?:Model loading|Loading model weights) took ${size}`)],
  ["weights", new RegExp(`model weights take ${size}`)],
  ["step", new RegExp(`PyTorch activation peak memory takes ${size}`)],
  ["kv-cache", new RegExp(`Available KV cache memory: ${size}`)],
  ["kv-cache", new RegExp(`the rest of the memory reserved for KV Cache is ${size}`)],
  ["kv-cache", /\bkv_cache_size=([\d.]{1,12})GiB/],
];
const counts: [Reading["quantity"], RegExp][] = [
  ["tokens", /GPU KV cache size: ([\d,]{1,20}) tokens/],
  ["concurrency", /Maximum concurrency for [\d,]{1,20} tokens per request: ([\d.]{1,12})x/],
];

function read(lines: string[]): Reading[] {
  const rows: Reading[] = [];
  // Every rank writes the same line; the first one stands for all.
  const add = (row: Reading) => rows.some(({ quantity }) => quantity === row.quantity) || rows.push(row);
  for (const line of lines) {
    for (const [quantity, pattern] of sizes) {
      const found = pattern.exec(line);
      if (found) add({ quantity, bytes: bytesOf(Number(found[1]), "GiB"), line: line.trim() });
    }
    for (const [quantity, pattern] of counts) {
      const found = pattern.exec(line);
      if (found) add({ quantity, count: numberOf(found[1]), line: line.trim() });
    }
  }
  return rows;
}

export const vllm: LogReader = {
  engine: "vllm",
  looksFor: ["Model loading took", "Available KV cache memory", "GPU KV cache size", "Maximum concurrency"],
  read,
};
