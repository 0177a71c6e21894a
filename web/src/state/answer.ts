// Asking the engine with the form, and what each option of a menu would change.
import type { Engine } from "../engine/engine";
import type { Answer, Bytes, Catalog, Estimate, Scenario } from "../engine/types";
import { UnreadableJson } from "../import/json";
import * as text from "../text/en";
import type { Words } from "./description";
import { shownFields } from "./fields";
import type { Form } from "./form";
import { scenarioOf } from "./scenario";

export interface Asked {
  /** Absent where the form cannot be put into a scenario at all. */
  scenario?: Scenario;
  estimate: Estimate;
}

export function ask(engine: Engine, form: Form, catalog: Catalog, detail: Scenario["detail"]): Asked {
  try {
    const scenario = scenarioOf(form, catalog);
    // The engine of the first answer knows nothing of speeds.
    const speeds = engine.whole && scenario.hardware?.gpu && detail !== "summary" ? { throughput: {} } : {};
    return { scenario, estimate: engine.estimate({ questions: [], ...speeds, ...scenario, detail }, catalog) };
  } catch (error) {
    if (!form.values["model.config"]) return { estimate: { ok: false, issues: [{ path: "model.config", code: "missing", message: text.configHint }] } };
    if (!(error instanceof UnreadableJson)) throw error;
    return { estimate: { ok: false, issues: [{ path: "model.config", code: "unreadable", message: error.message }] } };
  }
}

export interface Difference {
  /** To the answer on screen; absent where the option is refused with the other settings. */
  bytes?: Bytes;
  fits?: boolean;
}
/** By key of the field, then by word of its menu. */
export type Differences = Record<string, Record<string, Difference>>;

/** Fills `found` option by option, the many cards last; each step is one estimate, or two where it is close. Differences are those of
 *  summaries: what changes nothing must not seem to. */
export function* differenceSteps(found: Differences, engine: Engine, form: Form, catalog: Catalog, words: Words) {
  const menus = shownFields(form.values, catalog)
    .filter(({ words }) => words)
    .map((field) => ({ key: field.key, options: field.words?.(words, form.values) ?? [] }));
  if (form.values["hardware.by"] === "gpu") menus.push({ key: "hardware.gpu", options: Object.keys(catalog.gpus) });
  const { estimate: brief } = ask(engine, form, catalog, "summary");
  if (!brief.ok) return;
  const differenceWith = (values: Form["values"]) => {
    const asked = (detail: Scenario["detail"]) => ask(engine, { ...form, values }, catalog, detail).estimate;
    const then = asked("summary");
    return differenceOf(then, brief, then.ok && isClose(then) ? asked("timeline") : then);
  };
  // Many cards differ in their name only.
  const alike = new Map<string, Difference>();
  for (const { key, options } of menus) {
    found[key] = {};
    for (const word of options) {
      const kind = key === "hardware.gpu" ? JSON.stringify({ ...catalog.gpus[word], name: "", class: "" }) : key + word;
      const known = alike.get(kind);
      if (!known) yield;
      found[key][word] = known ?? differenceWith({ ...form.values, [key]: word });
      alike.set(kind, found[key][word]);
    }
  }
}

/** Whether it fits is for the answer itself to say: a summary's replay of the allocator leaves layers out. */
function isClose({ devices: [{ headroomBytes, usableBytes }] }: Answer): boolean {
  const close = 0.1;
  return headroomBytes !== undefined && usableBytes !== undefined && Math.abs(headroomBytes) < close * usableBytes;
}

function differenceOf(then: Estimate, { devices: [now] }: Answer, closer: Estimate): Difference {
  if (!then.ok || !closer.ok) return {};
  return { bytes: then.devices[0].processBytes.expected - now.processBytes.expected, fits: closer.devices[0].fits };
}
