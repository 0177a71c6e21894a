// gpumem command and gpumem from-command: a scenario as the command that starts its engine, and back.
import { readCommand } from "../commands/read";
import { commandOf } from "../commands/write";
import type { Estimate, Scenario } from "../engine/types";
import { parseJson } from "../import/json";
import { catalog } from "../lib/catalog";
import { estimateText } from "../lib/index";
import { printable } from "./columns";
import { issueText } from "./estimate";
import { readText } from "./input";
import { readTraining } from "../training_configs/read";
import { print } from "./output";
import { Problem, status } from "./problem";

const remark = (note: string) => process.stderr.write(`${printable(note)}\n`);

export async function commandCommand(file: string): Promise<number> {
  const scenario = readScenario(await readText(file));
  const answer = JSON.parse(await estimateText(scenario)) as Estimate;
  if (!answer.ok) {
    process.stderr.write(issueText(answer.issues, file));
    return status.invalid;
  }
  const written = commandOf(scenario, answer.scenario);
  if (!written) throw new Problem(`No command starts ${answer.scenario.engine?.name} for this task.`);
  written.notes.forEach(remark);
  await print(`${written.command.split("\n").map(printable).join("\n")}\n`);
  return status.fits;
}

export async function fromCommandCommand(words: string[]): Promise<number> {
  const text = words.length === 1 && words[0] === "-" ? await readText("-") : words.map((word) => (/\s/.test(word) && words.length > 1 ? JSON.stringify(word) : word)).join(" ");
  const { scenario, notes } = readOrExplain(text);
  notes.forEach(remark);
  await print(`${JSON.stringify(scenario, null, 2)}\n`);
  return status.fits;
}

function readScenario(text: string): Scenario {
  try {
    return parseJson(text) as Scenario;
  } catch (error) {
    throw new Problem((error as Error).message);
  }
}

function readOrExplain(text: string) {
  try {
    const training = readTraining(text.trim(), catalog.models);
    if (!training) return readCommand(text, catalog.models);
    return { scenario: { model: training.model ?? { id: "" }, ...training.scenario }, notes: training.notes };
  } catch (error) {
    throw new Problem((error as Error).message);
  }
}
