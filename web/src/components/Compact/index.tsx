import { useState } from "preact/hooks";
import type { Unit } from "../../format/bytes";
import { addressOf } from "../../state/address";
import { methodKey } from "../../state/field";
import { PageContext, usePage, useShownFields } from "../../state/page";
import type { Place } from "../../state/place";
import { type Sources, useShown } from "../../state/shown";
import * as text from "../../text/en";
import * as own from "../../text/embed";
import { wordName } from "../../text/words";
import { Breakdown } from "../Breakdown";
import { Choice } from "../Choice";
import { Devices } from "../Devices";
import { Field } from "../Field";
import { Hardware } from "../Hardware";
import { Method } from "../Method";
import { ModelSearch } from "../ModelField/search";
import { Outcome } from "../Outcome";
import { Ways } from "../Ways";
import "../Inputs/style.css";
import "./style.css";

interface Props extends Sources {
  place: Place;
  /** What is wrong with what the place holds, where it cannot be read. */
  problem: () => string;
  /** Where the whole page is. */
  home: string;
}

/** The calculator within somebody else's page: few inputs, the answer, and the way to the rest. */
export function Compact({ place, problem, home, ...sources }: Props) {
  const [unit, setUnit] = useState<Unit>("GiB");
  const { page, waiting, unreadable } = useShown(sources, place, unit);
  const { answer, scenario, stale } = page;
  if (unreadable) return <p class="problem" role="alert">{problem()}</p>;
  return (
    <PageContext.Provider value={page}>
      <div class="compact">
        <Few />
        <div class={stale ? "stale" : ""}>
          <section aria-label={text.answer}>
            <Outcome waiting={waiting} />
          </section>
          {answer?.devices.some(({ fits }) => fits === false) && <Ways />}
          {answer && (
            <details class="parts">
              <summary>{own.parts}</summary>
              {answer.devices.length > 1 ? <Devices answer={answer} /> : <Breakdown answer={answer} device={answer.devices[0]} />}
              {answer.assumptions.map(({ id, message }, i) => <p key={`${id}${i}`} class="note">{message}</p>)}
            </details>
          )}
        </div>
      </div>
      <div class="foot">
        <Choice quiet label={text.units} name="unit" words={{ GiB: "GiB", GB: "GB" }} value={unit} onChoose={(word: Unit) => setUnit(word)} />
        <a href={home + (scenario ? addressOf(scenario) : "")} target="_blank" rel="noopener">{own.open}</a>
      </div>
    </PageContext.Provider>
  );
}

/** The fields that most answers turn on; what else the scenario says stays as it is. */
function Few() {
  const { form, set } = usePage();
  const shown = useShownFields().filter(({ folded, place }) => !folded && place !== "hardware");
  const by = form.values["model.by"];
  return (
    <form class="inputs" aria-label={text.inputs} onSubmit={(event) => event.preventDefault()}>
      <section aria-label={text.model}>
        <h2 aria-hidden="true">{text.model}</h2>
        {by === "id" ? <ModelSearch /> : <p class="note">{own.modelBy(by === "config" ? "" : form.values["model.parameters"])}</p>}
      </section>
      <section aria-label={text.task}>
        <h2 aria-hidden="true">{text.task}</h2>
        <Choice label={text.task} name="task" words={{ inference: wordName("inference"), training: wordName("training") }}
          value={form.values.task} onChoose={(task) => set({ task })} />
        {shown.some(({ key }) => key === methodKey) && <Method />}
        {shown.filter(({ key }) => key !== methodKey).map((field) => <Field key={field.key} field={field} />)}
      </section>
      <Hardware />
    </form>
  );
}
