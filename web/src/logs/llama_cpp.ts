// llama.cpp names each buffer as it reserves it: "load_tensors:  CUDA0 model buffer size =  4403.49 MiB".
import { bytesOf } from "../format/bytes";
import type { LogReader, Quantity, Reading } from "./reading";

const line = /(?:^|[\s:])(\S{1,40})\s+(?:(model|KV|RS|compute|output) )?buffer size\s*(?:=|is|of)\s*([\d.]{1,12}) MiB/;
const begins = /loading model tensors|llm_load_tensors: ggml ctx size/;

const quantities: Record<string, Quantity> = { model: "weights", KV: "kv-cache", RS: "recurrent-state", compute: "workspace", output: "workspace" };

/** "CPU_Mapped" and "CUDA_Host" lie in main memory; a name's last digits are the GPU's number, and "Metal" has none. */
export function deviceOf(name: string): number | "host" {
  if (/^CPU|^BLAS|_Host$/.test(name)) return "host";
  return Number(/^[A-Za-z]+(\d+)/.exec(name)?.[1] ?? 0);
}

function readingOf(text: string): Reading | undefined {
  const found = line.exec(text);
  if (!found) return undefined;
  const [, name, kind, size] = found;
  // Until 2025 the buffers of weights had no name of their own.
  if (!kind && !text.includes("load_tensors:")) return undefined;
  return { quantity: quantities[kind ?? "model"], device: deviceOf(name), bytes: bytesOf(Number(size), "MiB"), line: text.trim() };
}

/** One load after the other: a draft model follows the model, and a trial that only measures comes before it. */
function loads(lines: string[]): Reading[][] {
  const all: Reading[][] = [[]];
  for (const text of lines) {
    if (begins.test(text) && all[all.length - 1].length > 0) all.push([]);
    const reading = readingOf(text);
    if (reading) all[all.length - 1].push(reading);
  }
  return all;
}

/** A server repeats what the process that loads has said, behind that one's number. */
function once(lines: string[]): string[] {
  const seen = new Set(lines);
  return lines.filter((text) => !/^\[\d{1,10}\] /.test(text) || !seen.has(text.slice(text.indexOf(" ") + 1)));
}

/** Several lines of one device are several buffers: of the parts of a file, or of layers with and without windows. */
function joined(readings: Reading[]): Reading[] {
  const rows: Reading[] = [];
  for (const reading of readings) {
    const row = rows.find(({ quantity, device }) => quantity === reading.quantity && device === reading.device);
    if (!row) rows.push({ ...reading });
    else Object.assign(row, { bytes: (row.bytes ?? 0) + (reading.bytes ?? 0), line: `${row.line}\n${reading.line}` });
  }
  return rows;
}

const weightOf = (load: Reading[]) => load.reduce((sum, { quantity, bytes = 0 }) => (quantity === "weights" ? sum + bytes : sum), 0);

export const llamaCpp: LogReader = {
  engine: "llama.cpp",
  looksFor: ["model buffer size", "KV buffer size", "RS buffer size", "compute buffer size"],
  read: (lines) => joined(loads(once(lines)).reduce((best, load) => (weightOf(load) >= weightOf(best) ? load : best))),
};
