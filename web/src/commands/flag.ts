// What an engine's command line and a scenario call the same thing.
import type { Scenario } from "../engine/types";

export interface Flag {
  /** The first is written; all are understood, with dashes for underscores. */
  names: string[];
  path: string;
  kind: "number" | "word" | "flag" | "numbers";
  /** The engine's word for ours; the first that fits is written. */
  words?: Record<string, string>;
  /** Where the flag stands for the opposite. */
  not?: boolean;
}

export type Tree = Record<string, unknown>;

export interface EngineCommand {
  engine: string;
  /** What the command begins with. */
  start: string[];
  /** Other beginnings that are understood: each a row of words that follow each other. */
  starts: string[][];
  /** Flags that name the model; where there are none, it stands behind the start. */
  model: string[];
  flags: Flag[];
  /** What no flag says by itself, before the flags are written. */
  prepare?: (scenario: Tree) => Tree;
  /** The same after they were read; more sentences about what was taken for granted. */
  finish?: (scenario: Tree) => string[];
  /** How the command names the model, and what a name that was read says. */
  nameOf?: (id: string, scenario: Scenario) => string;
  read?: (name: string, scenario: Tree) => string;
}

export const number = (path: string, ...names: string[]): Flag => ({ names, path, kind: "number" });
export const flag = (path: string, ...names: string[]): Flag => ({ names, path, kind: "flag" });
export const word = (path: string, words: Record<string, string>, ...names: string[]): Flag => ({ names, path, kind: "word", words });
export const option = (name: string) => `engine.options.${name}`;

/** Formats as PyTorch's engines name them. */
export const dtypes = { bfloat16: "bf16", float16: "fp16", half: "fp16", float32: "fp32", float: "fp32" };
export const cacheDtypes = { fp8: "fp8", fp8_e4m3: "fp8", fp8_e5m2: "fp8", bfloat16: "bf16", bf16: "bf16", float16: "fp16" };
export const quantizations = { fp8: "fp8", bitsandbytes: "nf4", awq: "awq-4-128", awq_marlin: "awq-4-128", gptq: "gptq-4-128", gptq_marlin: "gptq-4-128", mxfp4: "mxfp4" };
