import { useState } from "preact/hooks";
import { grouped } from "../../format/counts";
import { usePage, useShownFields } from "../../state/page";
import { countOf, mostPoints, mostWhole, valuesOf } from "../../sweep/axes";
import type { Outcome } from "../../sweep/figures";
import * as text from "../../text/sweep";
import { fieldName } from "../../text/fields";
import type { Job } from "../../work/jobs";
import { useJob } from "../../work/use_job";
import { Running } from "../Running";
import { canSweep, usual, valuesAtFirst } from "./fields";
import { Grid } from "./Grid";
import { Line } from "./Line";
import type { Named } from "./named";
import { sweepFile } from "./save";
import "./style.css";

/** The scenario on screen, with one or two fields going through values. */
export default function Sweep() {
  const { scenario, answer, stale, form, words } = usePage();
  const fields = useShownFields().filter(canSweep);
  const [chosen, setChosen] = useState<[string?, string?]>([]);
  const [typed, setTyped] = useState<Record<string, string>>({});
  const task = (answer?.scenario.task ?? "inference") as keyof typeof usual;
  const engine = answer?.scenario.engine?.name;
  const first = fields.find(({ key }) => key === chosen[0]) ?? fields.find(({ key }) => key === usual[task]) ?? fields[0];
  const second = fields.find(({ key, path }) => key === chosen[1] && path !== first.path);
  const listed = [first, second].flatMap((field) => (field ? [{ field, list: typed[field.key] ?? valuesAtFirst(field, words, form.values) }] : []));
  const axes = listed.flatMap(({ field: { key, path }, list }): Named[] => {
    const values = valuesOf(list);
    return values ? [{ path, key, values, name: fieldName(key, engine) }] : [];
  });
  const count = countOf(axes);
  const wrong = axes.length < listed.length || count > mostPoints;
  const job: Job | undefined = wrong || !scenario || stale || axes.length === 0 ? undefined : { kind: "sweep", scenario, axes, from: 0, to: count };
  const work = useJob<Outcome[]>(job);
  const { result } = work;
  const drawn = result?.of.kind === "sweep" ? { axes: result.of.axes as Named[], outcomes: result.found } : undefined;

  if (!first) return <p>{text.noFields}</p>;
  const options = (without?: string) => fields.filter(({ path }) => path !== without).map(({ key }) => <option key={key} value={key}>{fieldName(key, engine)}</option>);
  const list = (i: number, label: string) => listed[i] && (
    <input id={`sweep-values-${i}`} class="values" aria-label={label} aria-invalid={wrong} aria-describedby="sweep-note" autocomplete="off" spellcheck={false} value={listed[i].list}
      onInput={(event) => setTyped({ ...typed, [listed[i].field.key]: event.currentTarget.value })} />
  );
  return (
    <div class="sweep">
      <p class={wrong ? "refusal" : "note"} id="sweep-note" role={wrong ? "alert" : undefined}>{wrong ? text.wrong(grouped(mostPoints)) : text.hint}{!wrong && count > mostWhole && ` ${text.summaries(grouped(mostWhole))}`}</p>
      <div class="controls">
        <select aria-label={text.over} value={first.key} onChange={(event) => setChosen([event.currentTarget.value, chosen[1]])}>{options()}</select>
        {list(0, text.values)}
        <span aria-hidden="true">{text.and}</span>
        <select aria-label={text.second} value={second?.key ?? ""} onChange={(event) => setChosen([first.key, event.currentTarget.value])}>
          <option value="">{text.nothing}</option>
          {options(first.path)}
        </select>
        {list(1, text.secondValues)}
      </div>
      <Running job={work} of={count} />
      {drawn && (
        <>
          {drawn.axes.length > 1 ? <Grid axes={drawn.axes} outcomes={drawn.outcomes} /> : <Line axis={drawn.axes[0]} outcomes={drawn.outcomes} />}
          {drawn.outcomes.some((one) => "needed" in one && one.needed !== undefined) && <p class="note">{text.pooled}</p>}
          <p class="note">
            <button type="button" onClick={() => sweepFile(drawn.axes, drawn.outcomes)}>{text.save}</button>
            {work.took !== undefined && !work.running && ` ${text.rate(grouped(drawn.outcomes.length), (Math.max(1, Math.round(work.took)) * 0.001).toFixed(2))}`}
          </p>
        </>
      )}
    </div>
  );
}
