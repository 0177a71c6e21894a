// TensorRT-LLM says what it allocated for its pool, and how many tokens that is.
import { bytesOf } from "../format/bytes";
import type { LogReader } from "./reading";

const pool = /Allocated ([\d.]{1,12}) GiB for max tokens in paged KV cache \((\d{1,15})\)/;

export const tensorrtLlm: LogReader = {
  engine: "tensorrt-llm",
  looksFor: ["Allocated … GiB for max tokens in paged KV cache"],
  read(lines) {
    // An executor that measures first allocates twice; what stays is the last.
    const found = lines.map((line) => ({ line: line.trim(), match: pool.exec(line) })).findLast(({ match }) => match);
    if (!found?.match) return [];
    const { line, match } = found;
    return [
      { quantity: "kv-cache", bytes: bytesOf(Number(match[1]), "GiB"), line },
      { quantity: "tokens", count: Number(match[2]), line },
    ];
  },
};
