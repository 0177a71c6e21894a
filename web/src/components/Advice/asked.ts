// Asks the questions of the form's scenario once typing has paused, one at a time: each is some dozens of estimates.
import { useEffect, useState } from "preact/hooks";
import type { Engine } from "../../engine/engine";
import type { Advice, Fit, Scenario } from "../../engine/types";
import { usePage } from "../../state/page";
import { scenarioOf } from "../../state/scenario";

const pause = 400;

export interface Asked {
  /** That these are the answers to. */
  scenario: Scenario;
  fit?: Fit;
  advice?: Advice[];
}

export function useQuestions(engine: Engine): Asked | undefined {
  const { form, catalog, answer, stale } = usePage();
  const [asked, setAsked] = useState<Asked>();
  useEffect(() => {
    if (stale || !answer) return;
    const scenario = scenarioOf(form, catalog);
    const found: Asked = { scenario };
    const ask = (questions: string[]) => {
      const [question, ...others] = questions;
      const estimate = engine.estimate({ ...scenario, detail: "summary", questions: [question] }, catalog);
      if (!estimate.ok) return;
      Object.assign(found, { fit: found.fit ?? estimate.fit, advice: found.advice ?? estimate.advice });
      if (others.length > 0) timer = setTimeout(ask, 0, others);
      else setAsked(found);
    };
    let timer = setTimeout(ask, pause, ["fit", "advice"]);
    return () => clearTimeout(timer);
  }, [answer, stale]);
  return asked;
}
