import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Unit } from "../../format/bytes";
import { addressPlace } from "../../state/address";
import { useKept } from "../../state/kept";
import { PageContext } from "../../state/page";
import { withPin } from "../../state/pins";
import { type Sources, useShown } from "../../state/shown";
import * as text from "../../text/en";
import { Advice } from "../Advice";
import { Details } from "../Details";
import { Header } from "../Header";
import { Inputs } from "../Inputs";
import { Later } from "../Later";
import { searchId } from "../ModelField/search";
import { Outcome } from "../Outcome";
import "./style.css";

/** `documentation` is its address, where it lies beside the page. */
export function App({ documentation, ...sources }: Sources & { documentation?: string }) {
  const [unit, setUnit] = useKept<Unit>("unit", ["GiB", "GB"]);
  const { page, engine, waiting, unreadable } = useShown(sources, addressPlace, unit);
  const { set, scenario, answer, stale, pins, setPins } = page;
  const [help, setHelp] = useState(false);
  useKeys(
    () => {
      const focus = () => document.getElementById(searchId)?.focus();
      set({ "model.by": "id" });
      focus();   // at once where it is shown, for what is typed next
      requestAnimationFrame(focus);
    },
    () => setHelp((shown) => !shown),
    () => scenario && answer && !stale && setPins(withPin(pins, scenario)),
  );

  return (
    <PageContext.Provider value={page}>
      <Header unit={unit} onUnit={setUnit} scenario={scenario} help={help} onHelp={setHelp} />
      <main>
        <Inputs />
        <div class={`answer${stale ? " stale" : ""}`}>
          <section class="top" aria-label={text.answer}>
            {unreadable && <p class="problem" role="alert">{text.unreadableAddress}</p>}
            <Outcome waiting={waiting} />
          </section>
          {answer?.devices.some(({ fits }) => fits === false) && <Later load={() => import("../Ways/later")} />}
          {answer && <Advice engine={engine} />}
          {answer && <Details answer={answer} />}
        </div>
      </main>
      <footer>
        <p>{text.local}</p>
        {documentation && <p><a href={documentation}>{text.documentation}</a></p>}
        <p>{`${text.engine} ${engine.version()}`}</p>
      </footer>
    </PageContext.Provider>
  );
}

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
