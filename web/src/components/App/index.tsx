import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Engine } from "../../engine/engine";
import type { Catalog } from "../../engine/types";
import type { Unit } from "../../format/bytes";
import { useCalculator } from "../../state/calculator";
import { wordsOf } from "../../state/description";
import { useKept } from "../../state/kept";
import { type Page, PageContext } from "../../state/page";
import * as text from "../../text/en";
import { Advice } from "../Advice";
import { Answered } from "../Answered";
import { Bar } from "../Bar";
import { Header } from "../Header";
import { Inputs } from "../Inputs";
import { searchId } from "../ModelField/search";
import { Uncounted } from "../Uncounted";
import { Verdict } from "../Verdict";
import { Ways } from "../Ways";
import "./style.css";

export function App({ engine, first }: { engine: Engine; first: Catalog }) {
  const words = useMemo(() => wordsOf(engine.describe()), [engine]);
  const calculator = useCalculator(engine, words, first);
  const { form, set, load, answer, stale, uncounted, issues, catalog, differences, wantTensors } = calculator;
  const [unit, setUnit] = useKept<Unit>("unit", ["GiB", "GB"]);
  const [help, setHelp] = useState(false);
  useKeys(
    () => {
      set({ "model.by": "id" });
      requestAnimationFrame(() => document.getElementById(searchId)?.focus());
    },
    () => setHelp((shown) => !shown),
  );

  const page: Page = { form, set, load, answer, stale, uncounted, issues, catalog, words, differences, unit, wantTensors };
  return (
    <PageContext.Provider value={page}>
      <Header unit={unit} onUnit={setUnit} scenario={calculator.scenario} help={help} onHelp={setHelp} />
      <main>
        <Inputs />
        <div class={`answer${stale ? " stale" : ""}`}>
          <section class="top" aria-label={text.answer}>
            {calculator.unreadable && <p class="problem" role="alert">{text.unreadableAddress}</p>}
            {uncounted ? <Uncounted model={uncounted} /> : <Verdict waiting={calculator.waiting} />}
            {answer && <Bar answer={answer} />}
          </section>
          {answer?.devices[0].fits === false && <Ways />}
          {answer && <Advice engine={engine} />}
          {answer && <Answered answer={answer} />}
        </div>
      </main>
      <footer>
        <p>{text.local}</p>
        <p>{`${text.engine} ${engine.version()}`}</p>
      </footer>
    </PageContext.Provider>
  );
}

/** Single keys work where nothing is being typed. */
function useKeys(onSearch: () => void, onHelp: () => void) {
  const actions = useRef<Record<string, () => void>>({});
  actions.current = { "/": onSearch, "?": onHelp };
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const action = actions.current[event.key];
      const typing = (event.target as Element).matches?.("textarea, select, input:not([type=radio], [type=checkbox])");
      if (!action || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
}
