// node tools/measure/from_log.mjs SCENARIO.json < LOG: a case of tests/truth/cases from the start-up log of vLLM, SGLang, TensorRT-LLM or llama.cpp.
import { readFileSync } from "node:fs";
import { Failure, main } from "../../scripts/support/run.mjs";
import { importTypeScript } from "../../tests/support/typescript.mjs";

const counts = { tokens: "kvCache.tokensThatFit", concurrency: "kvCache.concurrency" };

/** What the log says of the first GPU; `readings` as web/src/logs reads them. */
export function caseOf(scenario, { engine, readings }, id = "measured") {
  const own = readings.filter(({ device, quantity }) => (device === undefined || device === 0) && quantity !== "step");
  const expect = Object.fromEntries(own.map(({ quantity, bytes, count }) => [counts[quantity] ?? quantity, bytes ?? count]));
  const lines = own.map(({ line }) => line).join(" | ");
  return { id, group: "measured-serving", scenario, expect, source: `a log of ${engine}: ${lines}`, note: "sizes as the log rounds them" };
}

main(import.meta.url, async () => {
  const [file, id] = process.argv.slice(2);
  if (!file) throw new Failure("usage: node tools/measure/from_log.mjs SCENARIO.json [ID] < LOG");
  const { readLog } = await importTypeScript("web/src/logs/compare.ts");
  const log = readLog(readFileSync(0, "utf8"));
  if (!log) throw new Failure("No line of this log says how much memory anything takes.");
  console.log(JSON.stringify(caseOf(JSON.parse(readFileSync(file, "utf8")), log, id)));
});
