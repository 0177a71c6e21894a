// gpumem fit and gpumem advise: what fits on the scenario's hardware, and what to change.
import { catalog } from "../lib/catalog";
import { estimate } from "../lib/index";
import type { Answer, Fit } from "../engine/types";
import { plain, sizeText } from "../format/bytes";
import { grouped } from "../format/counts";
import { type Asking, fitsAll, largestModel, smallestCard } from "../plan/catalog_search";
import { growthNames } from "../text/questions";
import { columns, printable } from "./columns";
import { print } from "./output";
import { status } from "./problem";
import { answerOf, readScenario } from "./scenario";

interface FitOptions {
  json?: boolean;
}

const lines = (rows: string[]) => rows.map((row) => `${printable(row)}\n`).join("");

export async function fitCommand(file: string, { json }: FitOptions): Promise<number> {
  const scenario = await readScenario(file);
  const answer = await answerOf(scenario, file, ["fit"]);
  const card = await found(smallestCard(scenario, catalog));
  const model = answer.fit ? await found(largestModel(scenario, catalog)) : undefined;
  if (json) await print(`${JSON.stringify({ ...answer.fit, smallestGpu: card, largestModel: model })}\n`);
  else await print(lines(fitTable(answer, card, model)));
  return fitsAll(answer) ? status.fits : status.doesNotFit;
}

function fitTable({ fit, scenario }: Answer, card?: string, model?: string): string[] {
  const rows: string[][] = [];
  if (fit) {
    const layout = Object.entries(fit.layout ?? {}).filter(([, degree]) => degree > 1).map(([name, degree]) => `${name} ${degree}`);
    rows.push(["GPUs needed", fit.gpusNeeded === undefined ? "no layout that is computed fits" : [String(fit.gpusNeeded), ...layout].join(", ")]);
    for (const [name, words] of Object.entries(growthNames)) {
      const most = fit[name as keyof Fit];
      if (typeof most === "number") rows.push([words, grouped(most), fit.limits[name] ? `then ${fit.limits[name]} is too much` : ""]);
    }
    if (fit.trainedTokens !== undefined) rows.push(["The model was made for", `${grouped(fit.trainedTokens)} tokens`]);
    if (fit.largestWeights) rows.push(["Weights with most bits", fit.largestWeights]);
    if (fit.maxGpuLayers !== undefined) rows.push(["Layers on the GPU", fit.maxGpuLayers === null ? "not even none" : String(fit.maxGpuLayers)]);
  }
  if (card) rows.push(["Smallest card of the catalog", card]);
  if (model) rows.push(["Largest model of the catalog", `${model}, with these settings`]);
  return [`${scenario.model.id ?? "The model"}, ${scenario.task} with ${scenario.engine?.name}`, ...columns(rows.map((row) => row.map((cell, i) => (i === 0 ? `  ${cell}` : cell))))];
}

/** The search's scenarios, answered one by one. */
async function found<Result>(search: Asking<Result>): Promise<Result> {
  let step = search.next();
  while (!step.done) step = search.next(await estimate(step.value));
  return step.value;
}

export async function adviseCommand(file: string, { json }: FitOptions): Promise<number> {
  const answer = await answerOf(await readScenario(file), file, ["advice"]);
  const { advice = [] } = answer;
  if (json) await print(`${JSON.stringify(advice)}\n`);
  else if (advice.length === 0) await print(fitsAll(answer) ? "It fits; there is nothing to change.\n" : "Nothing that is known helps.\n");
  else await print(lines(adviceTable(advice)));
  return fitsAll(answer) ? status.fits : status.doesNotFit;
}

function adviceTable(advice: NonNullable<Answer["advice"]>): string[] {
  const rows = advice.map(({ id, savesBytes, fits, costs, change }) => [
    id,
    plain(sizeText(savesBytes, "GiB", 2)),
    fits === undefined ? "" : fits ? "fits" : "still too much",
    Object.values(costs).join("; "),
    JSON.stringify(change),
  ]);
  return columns([["change", "saves", "then", "costs", "merge into the scenario"], ...rows], [1]);
}
