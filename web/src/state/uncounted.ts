// A model of the catalog whose architecture the engine does not compute: what is known of it all the same.
import { kindOf } from "../catalog/kind";
import type { Engine } from "../engine/engine";
import type { Answer, Catalog, Estimate, Issue } from "../engine/types";
import { ask } from "./answer";
import { type Form, previewOf } from "./form";
import { scenarioOf } from "./scenario";

export interface Uncounted {
  /** The architecture, as its configuration calls it. */
  kind: string;
  /** Set in the form, these turn the model into its number of parameters; absent where that is unknown. */
  instead?: Record<string, string>;
  /** The answer to that number. */
  answer?: Answer;
}

/** Its weights are known one by one, and not how it runs: the answer is what it takes at least. */
export const isPartial = ({ assumptions }: Answer) => assumptions.some(({ id }) => id === "activations-unknown");

export function uncountedOf(engine: Engine, form: Form, catalog: Catalog, estimate: Estimate): Uncounted | undefined {
  if (estimate.ok || !estimate.issues.some(refusesArchitecture)) return undefined;
  if (form.values["model.by"] === "config") {
    const config = scenarioOf(form, catalog).model.config ?? {};
    return config.model_type || config._class_name ? { kind: kindOf(config) } : undefined;
  }
  const { id = "" } = scenarioOf(form, catalog).model;
  const { config, parameters } = catalog.models[id];
  const instead = { "model.by": "parameters", "model.parameters": String(parameters), [previewOf("model.id")]: "" };
  const asked = ask(engine, { ...form, values: { ...form.values, ...instead } }, catalog, "summary");
  return { kind: kindOf(config), instead, answer: asked.estimate.ok ? asked.estimate : undefined };
}

const refusesArchitecture = ({ path, code }: Issue) => path === "model.config.model_type" || (path === "model.config.architectures" && code === "unsupported");
