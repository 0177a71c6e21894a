// docs/fuzzing.md: how many changed inputs were played, by target, as tests/fuzz/executions.jsonl records them.

export function fuzzingPage(record) {
  const totals = new Map();
  for (const { date, target, seconds, executions } of record) {
    const row = totals.get(target) ?? { runs: 0, seconds: 0, executions: 0, last: "" };
    totals.set(target, { runs: row.runs + 1, seconds: row.seconds + seconds, executions: row.executions + executions, last: date > row.last ? date : row.last });
  }
  return [
    "# Hostile input",
    "",
    "Written by `npm run fuzz`; do not edit. Runs that ended without a finding, by target. `scenario` and `configuration` are libFuzzer's, against the core",
    "with sanitizers; the others are readers of the page and the command line, with changed bytes and words. Short runs of the readers are",
    "part of every `npm test` and are not counted here. Each input that broke something lies in `tests/fuzz/found/` and is played again by every run.",
    "",
    "| target | runs | seconds | executions | last run |",
    "|---|---:|---:|---:|---|",
    ...[...totals].map(([target, { runs, seconds, executions, last }]) => `| ${target} | ${runs} | ${seconds} | ${executions.toLocaleString("en")} | ${last} |`),
    "",
  ].join("\n");
}
