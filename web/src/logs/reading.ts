// What a line of an engine's log says.
import type { Bytes } from "../engine/types";

export type Quantity = "weights" | "kv-cache" | "recurrent-state" | "workspace" | "step" | "tokens" | "concurrency";

export interface Reading {
  quantity: Quantity;
  /** The GPU's number, or the host; absent where the line speaks of each GPU. */
  device?: number | "host";
  bytes?: Bytes;
  count?: number;
  /** The line, as it was read. */
  line: string;
}

export interface LogReader {
  engine: string;
  /** What it looks for, to be named where nothing is found. */
  looksFor: string[];
  /** Of lines without control characters; none where the log is another engine's. */
  read: (lines: string[]) => Reading[];
}

/** The number that a log writes as "178,880" or "8.11". */
export const numberOf = (text: string): number => Number(text.replaceAll(",", ""));
