// What every part of the page may read: the form, the answer, and how to change them.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Answer, Catalog, Estimate, Scenario } from "../engine/types";
import type { Unit } from "../format/bytes";
import type { Differences } from "./answer";
import type { Words } from "./description";
import type { Field } from "./field";
import { shownFields } from "./fields";
import type { Form } from "./form";
import type { Uncounted } from "./uncounted";

export interface Page {
  form: Form;
  set: (changes: Record<string, string>) => void;
  /** Puts a whole scenario in place of the form. */
  load: (scenario: Scenario) => void;
  /** Puts a form back as it was. */
  restore: (form: Form) => void;
  /** What the form says; absent where it cannot be put into a scenario. */
  scenario?: Scenario;
  /** Asks about another scenario than the form's. */
  estimate: (scenario: Scenario) => Estimate;
  /** Scenarios that were put aside to be compared with what is on screen. */
  pins: Scenario[];
  setPins: (pins: Scenario[]) => void;
  /** The last good answer; `stale` while the form says something else. */
  answer?: Answer;
  stale: boolean;
  uncounted?: Uncounted;
  /** By path of the field; "" holds what no field shows. */
  issues: Record<string, string[]>;
  catalog: Catalog;
  words: Words;
  differences: Differences;
  unit: Unit;
  /** Called once a part needs the single tensors. */
  wantTensors: () => void;
}

export const PageContext = createContext<Page>(undefined as unknown as Page);
export const usePage = () => useContext(PageContext);

/** Without those that could not change this answer, unless something is typed into them. */
export function useShownFields(): Field[] {
  const { form, catalog, uncounted, answer, words } = usePage();
  // Nothing is counted that these could change.
  if (uncounted) return [];
  return shownFields(form.values, catalog).filter(({ key, idle }) => form.values[key] || !idle?.(answer?.scenario, words, form.values));
}
