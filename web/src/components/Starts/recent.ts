// Scenarios that were looked at for a while, kept in this browser.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Answer, Catalog, Scenario } from "../../engine/types";
import { parseJson } from "../../import/json";
import { isTree } from "../../state/paths";
import { wordName } from "../../text/words";
import { modelName } from "../Export/title";

export interface Recent {
  title: string;
  scenario: Scenario;
}

const place = "gpumem-recent";
const most = 6;
/** Pasted configurations and files are too large to keep. */
const longest = 4000;
const longestTitle = 120;
const stay = 4000;

/** The latest first. A browser that keeps nothing has none. */
export function useRecent(scenario: Scenario | undefined, answer: Answer | undefined, catalog: Catalog): { recent: Recent[]; forget: () => void } {
  const [recent, setRecent] = useState(read);
  const first = useRef<string>(undefined);
  useEffect(() => {
    const text = JSON.stringify(scenario);
    // What the page opens with, nobody has asked for.
    if (!scenario || !answer) return;
    first.current ??= text;
    if (text === first.current || text.length > longest) return;
    const timer = setTimeout(() => {
      const title = titleOf(answer, catalog);
      const now = [{ title, scenario }, ...read().filter((one) => one.title !== title)].slice(0, most);
      write(now);
      setRecent(now);
    }, stay);
    return () => clearTimeout(timer);
  }, [answer]);
  const forget = () => {
    write([]);
    setRecent([]);
  };
  return { recent, forget };
}

function titleOf(answer: Answer, { gpus }: Catalog): string {
  const { task, engine, training, hardware } = answer.scenario;
  const gpu = hardware?.gpu ?? "";
  const parts = [modelName(answer).split("/").at(-1), wordName(String(task === "training" ? `${task} ${training?.method ?? ""}`.trim() : engine?.name)), gpus[gpu]?.name ?? gpu];
  return parts.filter(Boolean).join(" · ").slice(0, longestTitle);
}

/** Whatever lies there may be anybody's. */
function read(): Recent[] {
  try {
    const kept = parseJson(localStorage.getItem(place) ?? "[]");
    if (!Array.isArray(kept)) return [];
    const known = kept.filter((one): one is Recent => isTree(one) && typeof one.title === "string" && isTree(one.scenario));
    return known.slice(0, most).map(({ title, scenario }) => ({ title: title.slice(0, longestTitle), scenario }));
  } catch {
    return [];
  }
}

function write(recent: Recent[]): void {
  try {
    if (recent.length > 0) localStorage.setItem(place, JSON.stringify(recent));
    else localStorage.removeItem(place);
  } catch {
    // Then they last as long as the page.
  }
}
