// Texts of how far answers like this one were off.
import { allocated, process, reserved } from "./details";
import { shortName } from "./words";

export const title = "How far off such answers were";
export const what = "Figure";
export const cases = "Cases";
export const median = "Median";
export const most = "95 of 100 within";
export const none = "No recorded case is like this one.";
export const quantity = (id: string) => ({ allocatedBytes: allocated, reservedBytes: reserved, processBytes: process, "kvCache.tokensThatFit": "Tokens that fit" })[id] ?? shortName(id);

/** What the answers were held against. */
const groups: Record<string, string> = {
  "published-train": "runs that others published",
  "published-train-parallel": "runs that others published",
  "published-serving": "logs that others published",
  "vllm-pools": "vLLM's own planner",
  "llama-cpp-buffers": "llama.cpp's own planner",
  "llama-cpp-compute": "llama.cpp's own planner",
  "llama-cpp-cache": "llama.cpp's own planner",
};
export const against = (group: string) => groups[group] ?? "the library's own tensors, traced";

export const error = (share: number) => (share === 0 ? "exact" : share < 0.0001 ? "< 0.01\u00a0%" : `${(share * 100).toFixed(share < 0.01 ? 2 : 1)}\u00a0%`);
