// A log beside the answer: whose it is, and for each line that can be read, our figure.
import type { Answer, Bytes, Device } from "../engine/types";
import { llamaCpp } from "./llama_cpp";
import type { LogReader, Reading } from "./reading";
import { sglang } from "./sglang";
import { tensorrtLlm } from "./tensorrt_llm";
import { vllm } from "./vllm";

export const logReaders: LogReader[] = [llamaCpp, vllm, sglang, tensorrtLlm];

/** A start-up log has some hundred kilobytes; what lies beyond is not read. */
export const longestLog = 4_000_000;
const longestLine = 2000;

export interface ReadLog {
  engine: string;
  readings: Reading[];
}

/** Whose log it is, by the lines found in it; undefined where none can be read. */
export function readLog(text: string): ReadLog | undefined {
  const lines = text.slice(0, longestLog).split(/\r\n|\n|\r/).map(plainLine);
  const found = logReaders.map(({ engine, read }) => ({ engine, readings: read(lines).filter(hasNumber) }));
  const best = found.reduce((a, b) => (b.readings.length > a.readings.length ? b : a));
  return best.readings.length > 0 ? best : undefined;
}

/** "512.00512.00" is no number, whatever has made it. */
const hasNumber = ({ bytes, count }: Reading) => Number.isFinite(bytes ?? count);

/** Without the terminal's colours and other control characters, and no longer than a line of a log is. */
const plainLine = (line: string) => line.slice(0, longestLine).replace(/\u001b\[[\d;]{0,20}[A-Za-z]/g, "").replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "");

export interface Compared extends Reading {
  /** What the answer says in its place; absent where it says nothing of it. */
  ours?: Bytes | number;
  /** The answer's to the log's, as a share of the log's. */
  off?: number;
}

export function compare({ readings }: ReadLog, answer: Answer): Compared[] {
  return readings.map((reading) => {
    const ours = oursFor(reading, answer);
    const theirs = reading.bytes ?? reading.count ?? 0;
    return { ...reading, ours, off: ours === undefined || theirs === 0 ? undefined : ours / theirs - 1 };
  });
}

const stepParts = ["activations", "logits", "workspace"];

function oursFor({ quantity, device }: Reading, { devices, kvCache }: Answer): Bytes | number | undefined {
  if (quantity === "tokens") return kvCache?.tokensThatFit;
  if (quantity === "concurrency") return kvCache?.concurrency;
  const at = devices.find((one) => isAt(one, device));
  if (!at) return undefined;
  const parts = quantity === "step" ? stepParts : [quantity];
  return at.components.reduce((sum, { id, bytes }) => (parts.includes(id) ? sum + bytes : sum), 0);
}

function isAt({ role }: Device, device: Reading["device"]): boolean {
  if (device === undefined) return role !== "host";
  return device === "host" ? role === "host" : role === `stage ${device}` || (role === "gpu" && device === 0);
}
