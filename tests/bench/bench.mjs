// npm run bench: what must feel instant, measured on what was built. Ends with 1 when a budget is passed.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Failure, main, root } from "../../scripts/support/run.mjs";
import { budgets, measure } from "../lint/rules/budgets.mjs";
import { estimateTimes } from "./engine_time.mjs";
import { firstEstimateTime } from "./page_time.mjs";
import { questionTimes } from "./questions_time.mjs";

const limits = { firstEstimate: 250, summary: 1, timeline: 5 };

main(import.meta.url, async () => {
  if (!existsSync(join(root, "dist/index.html"))) throw new Failure("Nothing is built yet; npm run build comes first.");
  const times = await estimateTimes();
  const rows = [
    { what: "first estimate on screen", value: await firstEstimateTime(), limit: limits.firstEstimate, unit: "ms" },
    ...times.map(({ what, detail, value }) => ({ what: `one estimate, ${what}`, value, limit: limits[detail], unit: "ms" })),
    ...Object.entries(measure(root)).map(([name, value]) => ({ what: budgets[name].what, value, limit: budgets[name].limit, unit: "B" })),
  ];
  for (const row of rows) console.log(line(row));
  // Aims, not budgets: both hang on how many processors are free.
  const { sweep, plan } = await questionTimes();
  console.log(`${"a sweep of 10,000 points on the page".padEnd(52)} ${sweep.toFixed(0).padStart(8)} /s, aim 10000`);
  console.log(`${"a plan for 1,024 GPUs of a 126-layer model".padEnd(52)} ${plan.toFixed(2).padStart(8)} s, aim 2`);
  if (rows.some(({ value, limit }) => !(value <= limit))) throw new Failure("Over budget.");
});

function line({ what, value, limit, unit }) {
  const shown = unit === "ms" ? value.toFixed(2) : String(value);
  const verdict = value <= limit ? "" : "  over";
  return `${what.padEnd(52)} ${shown.padStart(8)} ${unit.padEnd(2)} of ${limit}${verdict}`;
}
