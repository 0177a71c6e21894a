// The cases of tests/golden/cases: JSON lines {id, scenario, expect}.
//   expect: {path into the answer: value}; a list of {id, …} is entered by an id, and has the value of its bytes;
//   null expects that nothing is there. "issues" is [[path, code], …], "assumptions" a list of ids, both complete.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/support/run.mjs";

const folder = join(root, "tests/golden/cases");

export function goldenCases() {
  return readdirSync(folder).sort().flatMap((file) =>
    readFileSync(join(folder, file), "utf8").trimEnd().split("\n").map((line) => ({ file, ...JSON.parse(line) })),
  );
}

export function found(answer, path) {
  if (path === "issues") return answer.issues?.map((issue) => [issue.path, issue.code]);
  if (path === "assumptions") return answer.assumptions?.map(({ id }) => id);
  const value = path.split(".").reduce((at, step) => {
    if (Array.isArray(at) && !/^\d+$/.test(step)) return at.find(({ id }) => id === step)?.bytes;
    return at?.[step];
  }, answer);
  return value ?? null;
}
