// npm run accuracy: writes docs/accuracy.md from the recorded cases, measured now.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { main, root } from "../../scripts/support/run.mjs";
import { loadEngine } from "../support/engine.mjs";
import { publishedPage } from "./published.mjs";
import { writeFigures } from "./figures.mjs";
import { readCases, runCases, summarise } from "./measure.mjs";

main(import.meta.url, async () => {
  const cases = readCases();
  const results = runCases(cases, await loadEngine());
  writeFigures(cases, results);
  mkdirSync(join(root, "docs"), { recursive: true });
  writeFileSync(join(root, "docs/accuracy.md"), `${report(summarise(results), refusals(results)).join("\n")}\n`);
  writeFileSync(join(root, "docs/published.md"), `${publishedPage(results).join("\n").trimEnd()}\n`);
  console.log("docs/accuracy.md, docs/published.md, build/accuracy.json");
});

function report(rows, refused) {
  return [
    "# Accuracy",
    "",
    "Written by `npm run accuracy`; do not edit. Every recorded case of `tests/truth/cases` runs through the WebAssembly that ships; errors are",
    "relative to what the real libraries allocated, over the cases that are answered. A refusal names what is not computed yet.",
    "",
    "| group | quantity | cases | answered | median | 95th percentile | largest | in |",
    "|---|---|---:|---:|---:|---:|---:|---|",
    ...rows.map((row) => {
      const errors = row.answered > 0 ? [row.median, row.p95, row.worst].map(percent) : ["–", "–", "–"];
      const where = row.worst > 0 ? row.worstId : "";
      return `| ${[row.group, row.quantity, row.cases, row.answered, ...errors, where].join(" | ")} |`;
    }),
    "",
    "## Refused",
    "",
    "| cases | why |",
    "|---:|---|",
    ...refused.map(([why, count]) => `| ${count} | ${why} |`),
  ];
}

const percent = (share) => (share === 0 ? "0" : `${(share * 100).toFixed(share < 0.001 ? 5 : 2)} %`);

function refusals(results) {
  const counts = new Map();
  for (const { refused } of results) {
    if (!refused) continue;
    const why = `\`${refused.path}\`: ${refused.message.replace(/; known: .*/, "").replaceAll("|", "\\|")}`;
    counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
}
