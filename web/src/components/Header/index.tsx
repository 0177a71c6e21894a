import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Scenario } from "../../engine/types";
import type { Unit } from "../../format/bytes";
import { useKept } from "../../state/kept";
import * as text from "../../text/en";
import { Choice } from "../Choice";
import { Export } from "../Export";
import "./style.css";

interface Props {
  unit: Unit;
  onUnit: (unit: Unit) => void;
  scenario?: Scenario;
  help: boolean;
  onHelp: (shown: boolean) => void;
}

const themes = ["system", "light", "dark"] as const;

export function Header({ unit, onUnit, scenario, help, onHelp }: Props) {
  const [theme, setTheme] = useKept("theme", themes);
  useLayoutEffect(() => document.documentElement.setAttribute("data-theme", theme), [theme]);
  const list = useRef<HTMLDListElement>(null);
  useEffect(() => void (help && list.current?.focus()), [help]);

  return (
    <header>
      <h1>
        {text.title} <small>{text.tagline}</small>
      </h1>
      <div class="tools">
        <Choice quiet label={text.units} name="unit" words={{ GiB: "GiB", GB: "GB" }} value={unit} onChoose={onUnit} />
        <select aria-label={text.theme} value={theme} onChange={(event) => setTheme(event.currentTarget.value as typeof theme)}>
          {themes.map((word) => <option key={word} value={word}>{text.themes[word]}</option>)}
        </select>
        <Export scenario={scenario} />
        <button type="button" class="helper" aria-expanded={help} aria-label={text.help} onClick={() => onHelp(!help)}>?</button>
      </div>
      {help && (
        <dl class="keys" ref={list} tabIndex={-1} aria-label={text.help}>
          {text.keys.map(([key, meaning]) => (
            <div key={key}>
              <dt><kbd>{key}</kbd></dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
      )}
    </header>
  );
}
