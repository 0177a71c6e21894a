// The scenario of a file, for commands that ask more than one thing of it.
import type { Answer, Estimate, Scenario } from "../engine/types";
import { parseJson, UnreadableJson } from "../import/json";
import { estimate } from "../lib/index";
import { readText } from "./input";
import { Problem } from "./problem";

export async function readScenario(file: string): Promise<Scenario> {
  try {
    return parseJson(await readText(file)) as Scenario;
  } catch (error) {
    if (!(error instanceof UnreadableJson)) throw error;
    throw new Problem(`${nameOf(file)} is no JSON: ${error.message}`);
  }
}

/** The answer to these questions; what is invalid is a problem with the issues in its message. */
export async function answerOf(scenario: Scenario, file: string, questions: string[]): Promise<Answer> {
  const answer = await estimate({ ...scenario, detail: "summary", questions });
  if (!answer.ok) throw new Problem(`${nameOf(file)} is no valid scenario: ${issuesOf(answer)}`);
  return answer;
}

export const issuesOf = (answer: Estimate) => (answer.ok ? "" : answer.issues.map(({ path, message }) => `${path} ${message}`.trim()).join("; "));

const nameOf = (file: string) => (file === "-" ? "Standard input" : file);
