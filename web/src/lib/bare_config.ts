// A config.json handed over as it is, where a scenario is expected.
import type { Refusal } from "../engine/types";

/** One issue that says how to wrap it, in place of one for every field of the file; undefined for anything else. */
export function bareConfigRefusal(given: unknown): Refusal | undefined {
  if (typeof given !== "object" || given === null || "model" in given) return undefined;
  if (!("model_type" in given) && !("architectures" in given)) return undefined;
  const message =
    "is needed: this is a model's config.json by itself; a scenario holds it as " +
    '{"model": {"config": { … the whole file … }}, "task": "inference"}';
  return { ok: false, issues: [{ path: "model", code: "missing", message }] };
}
