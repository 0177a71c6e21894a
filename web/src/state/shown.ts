// Everything that the parts of a page read, put together: for the page itself, and for an element in another one.
import { useMemo, useState } from "preact/hooks";
import type { Engine } from "../engine/engine";
import type { Catalog, Scenario } from "../engine/types";
import type { Unit } from "../format/bytes";
import { useCalculator } from "./calculator";
import { wordsOf } from "./description";
import { useEngine } from "./engine";
import type { Page } from "./page";
import type { Place } from "./place";

export interface Sources {
  /** The engine that answers first. */
  start: Engine;
  /** Those that come after it, each able to answer more. */
  later: (() => Promise<Engine>)[];
  /** What is there before the catalog. */
  first: Catalog;
}

export function useShown({ start, later, first }: Sources, place: Place, unit: Unit) {
  const { engine, missing } = useEngine(start, later);
  const words = useMemo(() => wordsOf(engine, first), [engine]);
  const { waiting, unreadable, ...calculator } = useCalculator(engine, missing, words, first, place);
  const [pins, setPins] = useState<Scenario[]>([]);
  const estimate = (asked: Scenario) => engine.estimate({ questions: [], ...asked, detail: "timeline" }, calculator.catalog);
  const page: Page = { ...calculator, estimate, pins, setPins, words, unit };
  return { page, engine, waiting, unreadable };
}
