// gpumem sweep: the scenario with every combination of some values.
import type { Estimate } from "../engine/types";
import { plain, sizeText } from "../format/bytes";
import { estimate } from "../lib/index";
import { type Axis, countOf, mostPoints, pointOf, scenarioAt, valuesOf } from "../sweep/axes";
import { sweepCsv } from "../sweep/csv";
import { outcomeOf } from "../sweep/figures";
import { columns, printable } from "./columns";
import { print } from "./output";
import { Problem, status } from "./problem";
import { readScenario } from "./scenario";

export interface SweepOptions {
  over: string[];
  csv?: boolean;
  json?: boolean;
}

export async function sweepCommand(file: string, { over, csv, json }: SweepOptions): Promise<number> {
  const axes = over.map(axisOf);
  const count = countOf(axes);
  if (count > mostPoints) throw new Problem(`A sweep makes at most ${mostPoints} estimates.`);
  const scenario = await readScenario(file);
  const answers: Estimate[] = [];
  for (let i = 0; i < count; i++) answers.push(await estimate(scenarioAt(scenario, axes, i)));
  if (json) for (const [i, answer] of answers.entries()) await print(`${JSON.stringify({ values: Object.fromEntries(axes.map(({ path }, axis) => [path, pointOf(axes, i)[axis]])), estimate: answer })}\n`);
  else if (csv) await print(sweepCsv(axes, answers.map(outcomeOf)));
  else await print(tableOf(axes, answers));
  return answers.every(({ ok }) => !ok) ? status.invalid : status.fits;
}

/** "inference.contextTokens=1024,2048" or "…=1024..65536" */
function axisOf(text: string): Axis {
  const [path, list] = [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)];
  const values = valuesOf(list);
  if (!/^[a-zA-Z]\w*(\.\w+)*$/.test(path) || path.includes("__proto__") || !values) throw new Problem(`--over takes a field and its values, as in inference.contextTokens=1024,2048; not "${text}".`);
  return { path, values };
}

function tableOf(axes: Axis[], answers: Estimate[]): string {
  const shown = answers.map(outcomeOf).map((one, i) => {
    const point = pointOf(axes, i).map(String);
    if ("refused" in one) return [...point, "", "", one.refused];
    const size = (bytes: number) => plain(sizeText(bytes, "GiB", 2));
    return [...point, size(one.allocated), size(one.expected), one.fits === undefined ? "" : one.fits ? "fits" : "does not fit"];
  });
  const right = [...axes.map((_, i) => i), axes.length, axes.length + 1];
  return columns([[...axes.map(({ path }) => path), "tensors", "process", ""], ...shown], right).map((line) => `${printable(line)}\n`).join("");
}
