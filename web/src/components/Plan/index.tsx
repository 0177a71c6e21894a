import { useState } from "preact/hooks";
import type { Scenario } from "../../engine/types";
import { sizeText } from "../../format/bytes";
import { countOrText, grouped } from "../../format/counts";
import { alone, mostGpus, type Planned } from "../../plan/layouts";
import { usePage } from "../../state/page";
import { merged } from "../../state/paths";
import * as text from "../../text/plan";
import { wordName } from "../../text/words";
import type { Job } from "../../work/jobs";
import { useJob } from "../../work/use_job";
import { described } from "../Field";
import { Running } from "../Running";
import "./style.css";

/** How to spread the scenario over so many GPUs, the smallest card, and the largest model. */
export default function Plan() {
  const { scenario, answer, stale } = usePage();
  const [typed, setTyped] = useState<string>();
  const limited = answer?.devices[0].usableBytes !== undefined;
  const implied = answer?.devices.reduce((sum, { role, count }) => sum + (role === "host" ? 0 : count), 0) ?? 1;
  const gpus = typed === undefined ? Math.max(implied, 8) : countOrText(typed);
  const valid = typeof gpus === "number" && Number.isInteger(gpus) && gpus >= 1 && gpus <= mostGpus;
  const asked = scenario && !stale ? scenario : undefined;
  const plan = useJob<Planned[]>(asked && limited && valid ? { kind: "plan", scenario: asked, gpus } : undefined);
  if (!limited) return <div class="plan"><p class="note">{text.noLimit}</p><Searches scenario={asked} /></div>;
  return (
    <div class="plan">
      <p class="count">
        <label for="plan-gpus">{text.gpus}</label>
        <input {...described("plan-gpus", !valid)} inputMode="numeric" autocomplete="off" value={typed ?? gpus} onInput={(event) => setTyped(event.currentTarget.value)} />
        <span class={valid ? "note" : "refusal"} id="plan-gpus-note" role={valid ? undefined : "alert"}>{text.gpusHint(mostGpus)}</span>
      </p>
      <Running job={plan} />
      {plan.result && (plan.result.found.length === 0 ? <p role="status">{text.none}</p> : <Layouts found={plan.result.found} of={(plan.result.of as { scenario: Scenario }).scenario} />)}
      <Searches scenario={asked} />
    </div>
  );
}

function Layouts({ found, of }: { found: Planned[]; of: Scenario }) {
  const { load, unit } = usePage();
  const several = new Set(found.map(({ engine }) => engine)).size > 1;
  const training = found.some(({ again }) => again !== undefined);
  const pooled = found.some(({ tokens }) => tokens !== undefined);
  const nameOf = ({ degrees, engine }: Planned) => `${several ? `${wordName(engine)}: ` : ""}${text.degreesText(degrees) || text.single}`;
  return (
    <>
      <p class="note">{text.order}</p>
      <div class="scroll" tabIndex={0} role="region" aria-label={text.layout}>
        <table>
          <thead>
            <tr>
              <th scope="col">{text.layout}</th>
              <th scope="col" class="number">{text.needs}</th>
              {training && <th scope="col">{text.again}</th>}
              <th scope="col" class="number">{text.copies}</th>
              {pooled && <th scope="col" class="number">{text.holds}</th>}
              <th scope="col"><span class="unseen">{text.use}</span></th>
            </tr>
          </thead>
          <tbody>
            {found.map((one, i) => (
              <tr key={i}>
                <th scope="row">{nameOf(one)} <small>{text.explained(one.degrees)}</small></th>
                <td class="number">{sizeText(one.expected, unit)} <small>{one.usable !== undefined && text.room(sizeText(one.usable - one.expected, unit))}</small></td>
                {training && <td>{text.recomputed[one.again ?? "none"]}</td>}
                <td class="number">{grouped(one.copies)}</td>
                {pooled && <td class="number">{one.tokens !== undefined && grouped(one.tokens)}</td>}
                <td><button type="button" aria-label={text.useOf(nameOf(one))} onClick={() => load(merged(alone(of), one.change) as Scenario)}>{text.use}</button></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** Through the whole catalog, with all else as it is. */
function Searches({ scenario }: { scenario?: Scenario }) {
  const { answer, load, catalog } = usePage();
  const limited = answer?.devices[0].usableBytes !== undefined;
  const [card, model] = [
    useJob<string | undefined>(scenario && { kind: "card", scenario }),
    useJob<string | undefined>(scenario && limited ? { kind: "model", scenario } : undefined),
  ];
  const rows = [
    { title: text.card, job: card, name: (id: string) => (catalog.gpus[id] ? `${catalog.gpus[id].name}, ${catalog.gpus[id].memory}` : id), change: (id: string) => ({ hardware: { gpu: id, memory: undefined } }) },
    ...(limited ? [{ title: text.model, job: model, name: (id: string) => id, change: (id: string) => ({ model: { id } }) }] : []),
  ];
  const use = ({ of }: { of: Job }, change: object) => load({ ...of.scenario, ...change } as Scenario);
  return (
    <>
      <h3>{text.searches}</h3>
      <dl>
        {rows.map(({ title, job, name, change }) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>
              {job.result && (job.result.found === undefined ? text.noCard : <>{name(job.result.found)} <button type="button" aria-label={text.useOf(name(job.result.found))} onClick={() => job.result && use(job.result, change(String(job.result.found)))}>{text.use}</button></>)}
              <Running job={job} />
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}
