// gpumem sweep: the scenario with every combination of some values.
import type { Estimate, Scenario } from "../engine/types";
import { plain, sizeText } from "../format/bytes";
import { countOrText } from "../format/counts";
import { estimate } from "../lib/index";
import { setAt } from "../state/paths";
import { columns, printable } from "./columns";
import { print } from "./output";
import { Problem, status } from "./problem";
import { issuesOf, readScenario } from "./scenario";

export interface SweepOptions {
  over: string[];
  csv?: boolean;
  json?: boolean;
}

interface Axis {
  path: string;
  values: unknown[];
}

const mostEstimates = 10_000;

export async function sweepCommand(file: string, { over, csv, json }: SweepOptions): Promise<number> {
  const axes = over.map(axisOf);
  if (axes.reduce((count, { values }) => count * values.length, 1) > mostEstimates) throw new Problem(`A sweep makes at most ${mostEstimates} estimates.`);
  const scenario = await readScenario(file);
  const rows: { point: unknown[]; answer: Estimate }[] = [];
  for (const point of combinations(axes)) {
    const changed = structuredClone(scenario) as unknown as Record<string, unknown>;
    axes.forEach(({ path }, i) => setAt(changed, path, point[i]));
    rows.push({ point, answer: await estimate({ ...(changed as unknown as Scenario), detail: "summary", questions: [] }) });
  }
  if (json) for (const { point, answer } of rows) await print(`${JSON.stringify({ values: Object.fromEntries(axes.map(({ path }, i) => [path, point[i]])), estimate: answer })}\n`);
  else if (csv) await print(csvOf(axes, rows));
  else await print(tableOf(axes, rows));
  return rows.every(({ answer }) => !answer.ok) ? status.invalid : status.fits;
}

/** "inference.contextTokens=1024,2048" */
function axisOf(text: string): Axis {
  const [path, list] = [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)];
  if (!/^[a-zA-Z]\w*(\.\w+)*$/.test(path) || path.includes("__proto__") || list === "") throw new Problem(`--over takes a field and its values, as in inference.contextTokens=1024,2048; not "${text}".`);
  return { path, values: list.split(",").map(valueOf) };
}

const valueOf = (text: string) => (text === "true" || text === "false" ? text === "true" : countOrText(text));

function combinations(axes: Axis[]): unknown[][] {
  return axes.reduce<unknown[][]>((made, { values }) => made.flatMap((one) => values.map((value) => [...one, value])), [[]]);
}

type Rows = { point: unknown[]; answer: Estimate }[];
const heads = ["allocatedBytes", "processBytes", "usableBytes", "fits"];

function cells(answer: Estimate): (number | boolean | undefined)[] {
  if (!answer.ok) return heads.map(() => undefined);
  const [{ allocatedBytes, processBytes, usableBytes }] = answer.devices;
  return [allocatedBytes, processBytes.expected, usableBytes, usableBytes === undefined ? undefined : answer.devices.every(({ fits }) => fits !== false)];
}

function csvOf(axes: Axis[], rows: Rows): string {
  const cell = (value: unknown) => {
    const text = value === undefined ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const all = [[...axes.map(({ path }) => path), ...heads, "issues"], ...rows.map(({ point, answer }) => [...point, ...cells(answer), issuesOf(answer)])];
  return all.map((row) => `${row.map(cell).join(",")}\n`).join("");
}

function tableOf(axes: Axis[], rows: Rows): string {
  const shown = rows.map(({ point, answer }) => {
    const [allocated, process, , fits] = cells(answer);
    if (!answer.ok) return [...point.map(String), "", "", issuesOf(answer)];
    const size = (bytes: unknown) => plain(sizeText(bytes as number, "GiB", 2));
    return [...point.map(String), size(allocated), size(process), fits === undefined ? "" : fits ? "fits" : "does not fit"];
  });
  const right = [...axes.map((_, i) => i), axes.length, axes.length + 1];
  return columns([[...axes.map(({ path }) => path), "tensors", "process", ""], ...shown], right).map((line) => `${printable(line)}\n`).join("");
}
