// Whether an answer would be better with an inventory of the model's tensors.
import type { Estimate } from "../engine/types";

/** By model type. */
export type Inventories = Record<string, unknown>;

/** The engine has no program for the model's type, or none for these weights: it refused it, or took its fields for a plain decoder's. */
export function wantsInventory(estimate: Estimate): boolean {
  return estimate.ok
    ? estimate.assumptions.some(({ id }) => id === "unlisted-architecture")
    : estimate.issues.some(({ path, code }) => (ofAType(path) || path === "weights") && code === "unsupported");
}

/** Of the model, or of a part of it. */
const ofAType = (path: string) => path.startsWith("model.config.") && path.endsWith(".model_type");
