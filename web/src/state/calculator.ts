// The form's life: from the page's address or an element's attributes, through the engine, and back.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { loadCatalog } from "../catalog/load";
import type { Inventories } from "../catalog/wants_inventory";
import type { Engine } from "../engine/engine";
import type { Answer, Catalog, Scenario } from "../engine/types";
import { ask, differenceSteps, type Differences } from "./answer";
import type { Words } from "./description";
import { shownFields } from "./fields";
import { type Form, modelKey, startForm } from "./form";
import { useInventories } from "./inventories";
import { issuesByPath } from "./issues";
import type { Place } from "./place";
import { formOf } from "./scenario";
import { uncountedOf } from "./uncounted";

const addressDelay = 250;
// Menus wait until typing pauses, and never keep the page busy for long; the answer itself does not wait.
const menuDelay = 120;
const slice = 8;

function formAt(place: Place, first: Catalog): { form: Form; unreadable: boolean } {
  const scenario = place.read();
  return { form: scenario ? formOf(scenario, first) : startForm(first), unreadable: scenario === null };
}

export function useCalculator(engine: Engine, missing: boolean, words: Words, first: Catalog, place: Place) {
  const [{ form, unreadable }, setState] = useState(() => formAt(place, first));
  const [rows, setRows] = useState(first);
  const [architectures, setArchitectures] = useState<Inventories>({});
  const catalog = useMemo(() => ({ ...rows, architectures }), [rows, architectures]);
  const [tensors, setTensors] = useState(false);
  const set = useCallback(
    (changes: Record<string, string>) =>
      setState((state) => ({ form: { ...state.form, values: { ...state.form.values, ...changes } }, unreadable: false })),
    [],
  );
  const restore = (form: Form) => setState({ form, unreadable: false });
  const load = (scenario: Scenario) => restore(formOf({ ...scenario }, first));

  const asked = useMemo(() => ask(engine, form, catalog, tensors ? "tensors" : "timeline"), [engine, form, catalog, tensors]);
  const { estimate } = asked;
  const searching = useInventories(asked, catalog, setArchitectures);
  // What the engine of the first answer refuses, the whole one is asked again.
  const looking = searching || (!estimate.ok && !engine.whole && !missing);
  const uncounted = useMemo(() => (looking ? undefined : uncountedOf(engine, form, catalog, estimate)), [estimate, looking]);
  const last = useRef<Answer>(undefined);
  if (estimate.ok && !looking) last.current = estimate;

  // Until the catalog is there, a name that is not in it says nothing.
  const early = rows === first && !estimate.ok && estimate.issues.some(({ code }) => code === "unknown-model" || code === "unknown-gpu");
  const waiting = early || looking;
  const shown = [...shownFields(form.values, catalog).map(({ path }) => path), modelKey(form.values["model.by"]), `hardware.${form.values["hardware.by"]}`];
  const issues = estimate.ok || waiting ? {} : issuesByPath(estimate.issues, shown);

  useLayoutEffect(() => {
    if (!waiting) place.tell(estimate, asked.scenario);
  }, [estimate, waiting]);

  useEffect(() => {
    // Without the others, what is there first, pasted configurations and sizes by hand still work.
    const others = () => loadCatalog().catch(() => ({ ...first })).then(setRows);
    // Where the first answer needs no more, it is painted before anything else is read.
    if (waiting) void others();
    else requestAnimationFrame(() => setTimeout(others));
    return place.watch(() => setState(formAt(place, first)));
  }, []);

  const untouched = useRef(form);
  useEffect(() => {
    if (form === untouched.current || !asked.scenario) return;
    const timer = setTimeout(place.write, addressDelay, asked.scenario);
    return () => clearTimeout(timer);
  }, [asked, form]);

  const [differences, setDifferences] = useState<Differences>({});
  useEffect(() => {
    if (!estimate.ok || looking || !engine.whole) return;
    const found: Differences = {};
    const steps = differenceSteps(found, engine, form, catalog, words);
    let menusShown = false;
    const showMenus = () => {
      menusShown = true;
      setDifferences((before) => ({ ...found, "hardware.gpu": before["hardware.gpu"] }));
    };
    const work = () => {
      const end = performance.now() + slice;
      while (performance.now() < end) {
        if (steps.next().done) return setDifferences(found);
        if (!menusShown && "hardware.gpu" in found) showMenus();
      }
      timer = setTimeout(work);
    };
    let timer = setTimeout(work, menuDelay);
    return () => clearTimeout(timer);
  }, [estimate, looking, engine]);

  return {
    form,
    set,
    load,
    restore,
    catalog,
    uncounted,
    issues,
    differences,
    unreadable,
    waiting,
    scenario: asked.scenario,
    // The last good answer stays while something is wrong, unless it is another model's.
    answer: uncounted ? undefined : last.current,
    stale: !estimate.ok || looking,
    wantTensors: () => setTensors(true),
  };
}
