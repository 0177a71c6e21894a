// The form's life: from the address, through the engine, back into the address.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import gpusAddress from "../../../build/catalog/gpus.json?url";
import modelsAddress from "../../../build/catalog/models.json?url";
import type { Engine } from "../engine/engine";
import type { Answer, Catalog, Description, GpuRow, ModelRow } from "../engine/types";
import { readAsset } from "../import/asset";
import { readAddress, writeAddress } from "./address";
import { ask, differenceSteps, type Differences } from "./answer";
import { shownFields } from "./fields";
import { type Form, modelKey, startForm } from "./form";
import { issuesByPath } from "./issues";
import { formOf } from "./scenario";

const addressDelay = 250;
// Menus wait until typing pauses, and never keep the page busy for long; the answer itself does not wait.
const menuDelay = 120;
const slice = 8;

const rowsAt = async <Row>(address: string) => JSON.parse(new TextDecoder().decode(await readAsset(address))) as Record<string, Row>;

function fromAddress(first: Catalog): { form: Form; unreadable: boolean } {
  const scenario = readAddress(location.hash);
  return { form: scenario ? formOf(scenario, first) : startForm(first), unreadable: scenario === null };
}

export function useCalculator(engine: Engine, description: Description, first: Catalog) {
  const [{ form, unreadable }, setState] = useState(() => fromAddress(first));
  const [catalog, setCatalog] = useState(first);
  const [tensors, setTensors] = useState(false);
  const set = useCallback(
    (changes: Record<string, string>) =>
      setState((state) => ({ form: { ...state.form, values: { ...state.form.values, ...changes } }, unreadable: false })),
    [],
  );

  const asked = useMemo(() => ask(engine, form, catalog, tensors ? "tensors" : "timeline"), [engine, form, catalog, tensors]);
  const { estimate } = asked;
  const last = useRef<Answer>(undefined);
  if (estimate.ok) last.current = estimate;

  // Until the catalog is there, a name that is not in it says nothing.
  const waiting = catalog === first && !estimate.ok && estimate.issues.some(({ code }) => code === "unknown-model" || code === "unknown-gpu");
  const shown = [...shownFields(form.values).map(({ path }) => path), modelKey(form.values["model.by"]), `hardware.${form.values["hardware.by"]}`];
  const issues = estimate.ok || waiting ? {} : issuesByPath(estimate.issues, shown);

  useLayoutEffect(() => {
    if (!waiting) document.dispatchEvent(new CustomEvent("gpumem-estimate", { detail: estimate, bubbles: true, composed: true }));
  }, [estimate, waiting]);

  useEffect(() => {
    void Promise.all([rowsAt<ModelRow>(modelsAddress), rowsAt<GpuRow>(gpusAddress)])
      // Without the others, what is there first, pasted configurations and sizes by hand still work.
      .catch(() => [{}, {}] as const)
      .then(([models, gpus]) => setCatalog({ models: { ...first.models, ...models }, gpus: { ...first.gpus, ...gpus } }));
    const reread = () => setState(fromAddress(first));
    addEventListener("hashchange", reread);
    return () => removeEventListener("hashchange", reread);
  }, []);

  const untouched = useRef(form);
  useEffect(() => {
    if (form === untouched.current || !asked.scenario) return;
    const timer = setTimeout(writeAddress, addressDelay, asked.scenario);
    return () => clearTimeout(timer);
  }, [asked, form]);

  const [differences, setDifferences] = useState<Differences>({});
  useEffect(() => {
    if (!estimate.ok) return;
    const found: Differences = {};
    const steps = differenceSteps(found, engine, form, catalog, description, estimate);
    const work = () => {
      const end = performance.now() + slice;
      while (performance.now() < end) if (steps.next().done) return setDifferences(found);
      timer = setTimeout(work);
    };
    let timer = setTimeout(work, menuDelay);
    return () => clearTimeout(timer);
  }, [estimate]);

  return {
    form,
    set,
    catalog,
    issues,
    differences,
    unreadable,
    waiting,
    scenario: asked.scenario,
    answer: last.current,
    stale: !estimate.ok,
    wantTensors: () => setTensors(true),
  };
}
