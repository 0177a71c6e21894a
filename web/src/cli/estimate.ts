// gpumem estimate: one scenario as a table or as JSON, or many as JSON lines.
import type { Estimate, Issue, Refusal } from "../engine/types";
import { parseJson, UnreadableJson } from "../import/json";
import { estimateText } from "../lib/index";
import { printable } from "./columns";
import { readLines, readText } from "./input";
import { modelOfFile } from "./model_files";
import { print } from "./output";
import { Problem, status } from "./problem";
import { table } from "./table";

export interface EstimateOptions {
  json?: boolean;
  jsonl?: boolean;
  units: "gb" | "gib";
  /** A file of the model, in place of the scenario's model. */
  model?: string;
}

/** Resolves to the exit status. */
export async function estimateCommand(file: string | undefined, options: EstimateOptions): Promise<number> {
  if (options.jsonl) return estimateLines(file ?? "-");
  if (file === undefined && !options.model) throw new Problem("Which scenario? Name its file, or - for standard input; --model names a model's file.");
  const scenario = file === undefined ? "{}" : await readText(file);
  const text = await answerTo(scenario, options.model ? await modelOfFile(options.model) : undefined);
  const answer = JSON.parse(text) as Estimate;
  if (options.json) await print(`${text}\n`);
  else if (answer.ok) await print(table(answer, options.units === "gb" ? "GB" : "GiB"));
  else process.stderr.write(issueText(answer.issues, file ?? String(options.model)));
  if (!answer.ok) return status.invalid;
  return answer.devices.some((device) => device.fits === false) ? status.doesNotFit : status.fits;
}

/** Blank lines are passed over; every other line has its answer, in order, before the next one is read. */
async function estimateLines(file: string): Promise<number> {
  for await (const line of readLines(file)) {
    if (line.trim() !== "") await print(`${await answerTo(line)}\n`);
  }
  return status.fits;
}

/** An answer to any text: where it is no JSON, or the engine fails on it, the answer says so. */
async function answerTo(text: string, model?: unknown): Promise<string> {
  try {
    const scenario = parseJson(text);
    return await estimateText(model ? { ...(scenario as object), model } : scenario);
  } catch (error) {
    const code = error instanceof UnreadableJson ? "not-json" : "engine-failed";
    return JSON.stringify({ ok: false, issues: [{ path: "", code, message: (error as Error).message }] } satisfies Refusal);
  }
}

export function issueText(issues: Issue[], file: string): string {
  const where = file === "-" ? "Standard input" : file;
  const lines = issues.map(({ path, message }) => `  ${path === "" ? "" : `${path} `}${message}`);
  return [`${where} is no valid scenario:`, ...lines].map((line) => `${printable(line)}\n`).join("");
}
