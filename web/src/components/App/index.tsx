import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Engine } from "../../engine/engine";
import type { Answer, Catalog, Scenario } from "../../engine/types";
import type { Unit } from "../../format/bytes";
import { useCalculator } from "../../state/calculator";
import { wordsOf } from "../../state/description";
import { useEngine } from "../../state/engine";
import { useKept } from "../../state/kept";
import { type Page, PageContext } from "../../state/page";
import { withPin } from "../../state/pins";
import * as text from "../../text/en";
import { deviceName } from "../../text/devices";
import { Advice } from "../Advice";
import { Bar } from "../Bar";
import { Details } from "../Details";
import { Header } from "../Header";
import { Inputs } from "../Inputs";
import { searchId } from "../ModelField/search";
import { Uncounted } from "../Uncounted";
import { Verdict } from "../Verdict";
import { Ways } from "../Ways";
import "./style.css";

export function App({ start, whole, first }: { start: Engine; whole?: () => Promise<Engine>; first: Catalog }) {
  const { engine, missing } = useEngine(start, whole);
  const words = useMemo(() => wordsOf(engine, first), [engine]);
  const calculator = useCalculator(engine, missing, words, first);
  const { form, set, load, answer, stale, uncounted, issues, catalog, differences, wantTensors } = calculator;
  const [unit, setUnit] = useKept<Unit>("unit", ["GiB", "GB"]);
  const [help, setHelp] = useState(false);
  const [pins, setPins] = useState<Scenario[]>([]);
  const { scenario } = calculator;
  useKeys(
    () => {
      set({ "model.by": "id" });
      requestAnimationFrame(() => document.getElementById(searchId)?.focus());
    },
    () => setHelp((shown) => !shown),
    () => scenario && answer && !stale && setPins(withPin(pins, scenario)),
  );

  const estimate = (asked: Scenario) => engine.estimate({ questions: [], ...asked, detail: "summary" }, catalog);
  const page: Page = { form, set, load, scenario, estimate, pins, setPins, answer, stale, uncounted, issues, catalog, words, differences, unit, wantTensors };
  return (
    <PageContext.Provider value={page}>
      <Header unit={unit} onUnit={setUnit} scenario={scenario} help={help} onHelp={setHelp} />
      <main>
        <Inputs />
        <div class={`answer${stale ? " stale" : ""}`}>
          <section class="top" aria-label={text.answer}>
            {calculator.unreadable && <p class="problem" role="alert">{text.unreadableAddress}</p>}
            {uncounted ? <Uncounted model={uncounted} /> : <Verdict waiting={calculator.waiting} />}
            {answer && <Bar device={answer.devices[0]} name={severalNames(answer)} />}
          </section>
          {answer?.devices.some(({ fits }) => fits === false) && <Ways />}
          {answer && <Advice engine={engine} />}
          {answer && <Details answer={answer} />}
        </div>
      </main>
      <footer>
        <p>{text.local}</p>
        <p>{`${text.engine} ${engine.version()}`}</p>
      </footer>
    </PageContext.Provider>
  );
}

/** Which one the bar is about, where there are several. */
const severalNames = ({ devices: [first, ...others], scenario }: Answer) => (others.length > 0 || first.count > 1 ? deviceName(first, scenario.engine?.name) : undefined);

/** Single keys work where nothing is being typed. */
function useKeys(onSearch: () => void, onHelp: () => void, onPin: () => void) {
  const actions = useRef<Record<string, () => void>>({});
  actions.current = { "/": onSearch, "?": onHelp, c: onPin };
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
