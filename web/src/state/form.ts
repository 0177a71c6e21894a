// What the visitor has typed, as typed: text by field, for every mode at once, so that switching modes loses nothing.

import type { Catalog } from "../engine/types";

export interface Form {
  /** By key of state/fields.ts; an absent or empty text means the default. */
  values: Record<string, string>;
  /** What a link carried that no field shows; sent along unchanged. */
  rest: Record<string, unknown>;
}

export type ModelBy = "id" | "config" | "parameters" | "file";

/** What the marked row of an open list would put in place of the typed text. */
export const previewOf = (path: string) => `${path}.preview`;

export const modelKey = (by: string) => `model.${by}`;

export function startForm(first: Catalog): Form {
  return {
    values: {
      "model.by": "id",
      "model.id": Object.keys(first.models)[0],
      "hardware.by": "gpu",
      "hardware.gpu": Object.keys(first.gpus)[0],
      "hardware.memory": "24 GiB",
      task: "inference",
    },
    rest: {},
  };
}
