// At the build: what the page will ask first, asked ahead of it.
import type { Engine } from "../engine/engine";
import type { Prepared } from "../engine/prepared_engine";
import type { Catalog } from "../engine/types";
import { ask } from "./answer";
import { wordsOf } from "./description";
import { startForm } from "./form";

export function prepare(engine: Engine, first: Catalog): Prepared {
  let asked = "";
  const listening: Engine = {
    ...engine,
    estimate: (scenario, catalog) => {
      asked = JSON.stringify(scenario);
      return engine.estimate(scenario, catalog);
    },
  };
  const { estimate } = ask(listening, startForm(first), first, "timeline");
  return { version: engine.version(), words: wordsOf(engine, first), asked, estimate };
}
