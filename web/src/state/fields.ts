// The fields of the form, in the order of the page.
import type { Catalog } from "../engine/types";
import { field, type Field } from "./field";
import { inferenceFields } from "./inference_fields";
import { trainingFields } from "./training_fields";
import { traitsKey, traitsOf, type Values } from "./traits";

export const fields: Field[] = [...inferenceFields, ...trainingFields, field("quick.bytesPerSample", "size", () => true, { folded: true })];

/** Those that can change the answer to what the form says. */
export function shownFields(values: Values, catalog: Catalog): Field[] {
  const known = { ...values, [traitsKey]: traitsOf(values, catalog) };
  return fields.filter(({ shown }) => shown(known));
}
