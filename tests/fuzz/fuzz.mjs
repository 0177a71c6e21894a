// npm run fuzz [-- seconds]: builds the fuzz target, starts it on the golden cases and on what it kept of earlier runs.
// Answers that break are left in tests/fuzz/found/, which every run plays again; how many were run goes to tests/fuzz/executions.jsonl.
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { Failure, main, root, run } from "../../scripts/support/run.mjs";
import { factsOf } from "../support/facts.mjs";
import { goldenCases } from "../support/golden.mjs";

const target = join(root, "build/fuzz/tests/fuzz/scenario_fuzz");
const kept = join(root, "build/fuzz/corpus");
const found = join(root, "tests/fuzz/found");
const record = join(root, "tests/fuzz/executions.jsonl");
const longest = 200_000;

/** One file a golden case: the scenario and what its names stand for. */
function seeds() {
  for (const { scenario } of goldenCases()) {
    const text = JSON.stringify({ scenario: { ...scenario, detail: "summary" }, facts: factsOf(scenario) });
    if (text.length < longest) writeFileSync(join(kept, createHash("sha1").update(text).digest("hex")), text);
  }
}

main(import.meta.url, () => {
  const seconds = Number(process.argv[2] ?? 60);
  run("cmake", ["--preset", "fuzz"]);
  run("cmake", ["--build", "build/fuzz", "--target", "scenario_fuzz"]);
  for (const folder of [kept, found]) mkdirSync(folder, { recursive: true });
  seeds();
  const options = [`-max_total_time=${seconds}`, `-max_len=${longest}`, "-timeout=25", "-rss_limit_mb=4096", "-print_final_stats=1", `-artifact_prefix=${found}/`];
  const ended = spawnSync(target, [...options, kept, found], { encoding: "utf8", maxBuffer: 1 << 28 });
  const executions = Number(/number_of_executed_units: (\d+)/.exec(ended.stderr)?.[1] ?? 0);
  console.log(ended.stderr.split("\n").slice(-30).join("\n"));
  if (ended.status !== 0) throw new Failure(`Fuzzing found something after ${executions} executions; the input lies in ${found}.`);
  const date = new Date().toISOString().slice(0, 10);
  appendFileSync(record, `${JSON.stringify({ date, target: "scenario", seconds, executions })}\n`);
  const all = readFileSync(record, "utf8").trimEnd().split("\n").reduce((sum, line) => sum + JSON.parse(line).executions, 0);
  console.log(`${executions} executions without a finding; ${all} recorded in all.`);
});
