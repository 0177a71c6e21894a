// npm run fuzz [-- seconds [target …]]: the core's targets with libFuzzer, then everything that reads somebody else's text or bytes.
// Inputs that break something are left in tests/fuzz/found/, which every run plays again; how many were run goes to tests/fuzz/executions.jsonl
// and docs/fuzzing.md.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { Failure, main, root, run } from "../../scripts/support/run.mjs";
import { factsOf } from "../support/facts.mjs";
import { goldenCases } from "../support/golden.mjs";
import { fuzzingPage } from "./page.mjs";
import { play } from "./readers/play.mjs";

const found = join(root, "tests/fuzz/found");
const record = join(root, "tests/fuzz/executions.jsonl");
const longest = 200_000;
const hashOf = (input) => createHash("sha1").update(input).digest("hex");

/** Every run that ended without a finding: {date, target, seconds, executions}. */
export const recorded = () => readFileSync(record, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));

/** The core's targets, each with its seeds as texts. */
const core = {
  scenario: () => goldenCases().map(({ scenario }) => JSON.stringify({ scenario: { ...scenario, detail: "summary" }, facts: factsOf(scenario) })),
  configuration: () => Object.values(readCatalog().models).map(({ config }) => JSON.stringify(config)),
};

/** What was found of a reader, by its name. */
export function keptOf(name) {
  const folder = join(found, "readers", name);
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder).sort().map((file) => readFileSync(join(folder, file)));
}

function fuzzCore(name, seconds) {
  const corpus = join(root, "build/fuzz/corpus", name), own = join(found, name);
  run("cmake", ["--preset", "fuzz"]);
  run("cmake", ["--build", "build/fuzz", "--target", `${name}_fuzz`]);
  for (const folder of [corpus, own]) mkdirSync(folder, { recursive: true });
  for (const text of core[name]()) if (text.length < longest) writeFileSync(join(corpus, hashOf(text)), text);
  const options = [`-max_total_time=${seconds}`, `-max_len=${longest}`, "-timeout=25", "-rss_limit_mb=4096", "-print_final_stats=1", `-artifact_prefix=${own}/`];
  const ended = spawnSync(join(root, `build/fuzz/tests/fuzz/${name}_fuzz`), [...options, corpus, own], { encoding: "utf8", maxBuffer: 1 << 28 });
  const executions = Number(/number_of_executed_units: (\d+)/.exec(ended.stderr)?.[1] ?? 0);
  console.log(ended.stderr.split("\n").slice(-30).join("\n"));
  if (ended.status !== 0) throw new Failure(`Fuzzing ${name} found something after ${executions} executions; the input lies in ${own}.`);
  return executions;
}

async function fuzzReader(name, target, seconds) {
  const binary = Buffer.isBuffer(target.seeds[0]);
  const kept = keptOf(name).map((input) => (binary ? input : input.toString()));
  const { executions, finding } = await play(target, { seed: Date.now(), milliseconds: seconds * 1000, kept });
  if (!finding) return executions;
  const file = join(found, "readers", name, hashOf(finding.input));
  writeFileSync(file, finding.input);
  throw new Failure(`Fuzzing ${name} found something after ${executions} executions: ${finding.what}\nThe input lies in ${file}.`);
}

main(import.meta.url, async () => {
  const { targets } = await import("./readers/targets.mjs");
  const [time = "60", ...wanted] = process.argv.slice(2);
  const names = [...Object.keys(core), ...Object.keys(targets)].filter((name) => wanted.length === 0 || wanted.includes(name));
  const seconds = Math.max(1, Math.round(Number(time) / names.length));
  for (const name of names) {
    const executions = Object.hasOwn(core, name) ? fuzzCore(name, seconds) : await fuzzReader(name, targets[name], seconds);
    appendFileSync(record, `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), target: name, seconds, executions })}\n`);
    console.log(`${name}: ${executions} executions without a finding`);
  }
  writeFileSync(join(root, "docs/fuzzing.md"), fuzzingPage(recorded()));
});
