// Runs the recorded cases through the built engine and measures how far the answers are off.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = join(fileURLToPath(new URL(".", import.meta.url)), "cases");

/** Cases that are wrong, each with what shows it. */
const leftOut = JSON.parse(readFileSync(new URL("left-out.json", import.meta.url), "utf8"));

/** Every recorded case: {id, group, scenario, expect, device?, alternatives?, source, note}. */
export function readCases() {
  return readdirSync(folder)
    .sort()
    .flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n"))
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ id }) => !(id in leftOut));
}

/** [{id, group, refused, errors: [{quantity, error, got, expected}]}], one for each case. */
export function runCases(cases, engine) {
  return cases.map(({ id, group, scenario, expect, alternatives = {}, device }) => {
    const estimate = JSON.parse(engine.estimateScenario(scenario));
    const quantities = { ...expect, ...peakPhase(expect) };
    const errors = Object.entries(quantities).map(([quantity, expected]) => {
      const got = estimate.ok ? read(estimate, quantity, device) : undefined;
      const right = [expected, ...(alternatives[quantity] ?? [])];
      return { quantity, expected, got, error: Math.min(...right.map((value) => errorOf(got, value))) };
    });
    return { id, group, refused: estimate.ok ? undefined : estimate.issues[0], errors };
  });
}

/** Where a training step's phases were measured, the highest of them is the one that has to be named. */
function peakPhase(expect) {
  const phases = Object.entries(expect).filter(([quantity]) => quantity.startsWith("phase:"));
  if (!phases.some(([quantity]) => quantity === "phase:backward")) return {};
  const [highest] = phases.reduce((a, b) => (b[1] > a[1] ? b : a));
  return { peakPhase: highest.slice("phase:".length) };
}

/** The relative error; 1 for no answer. Words are right or wrong. */
function errorOf(got, expected) {
  if (got === undefined) return 1;
  if (typeof expected === "string" || expected === 0) return got === expected ? 0 : 1;
  return Math.abs(got - expected) / expected;
}

function read(estimate, quantity, role) {
  const device = estimate.devices.find((one) => one.role === role) ?? estimate.devices[0];
  if (quantity.startsWith("phase:")) {
    const moments = (estimate.timeline ?? []).filter(({ phase }) => phase === quantity.slice("phase:".length));
    return moments.length > 0 ? Math.max(...moments.map(({ bytes }) => bytes)) : undefined;
  }
  if (quantity.includes(".")) return quantity.split(".").reduce((value, key) => value?.[key], estimate);
  if (quantity === "allocatedBytes" || quantity === "peakPhase") return device[quantity];
  if (quantity === "reservedBytes" || quantity === "processBytes") return device[quantity].expected;
  return device.components.find(({ id }) => id === quantity)?.bytes;
}

/** One row for each group and quantity: {group, quantity, cases, answered, median, p95, worst, worstId}. */
export function summarise(results) {
  const rows = new Map();
  for (const { id, group, refused, errors } of results) {
    for (const { quantity, error } of errors) {
      const key = `${group} ${quantity}`;
      if (!rows.has(key)) rows.set(key, { group, quantity, cases: 0, errors: [] });
      const row = rows.get(key);
      row.cases++;
      if (!refused) row.errors.push({ id, error });
    }
  }
  return [...rows.values()].map(({ errors, ...row }) => {
    const sorted = errors.sort((a, b) => a.error - b.error);
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.error;
    return { ...row, answered: sorted.length, median: at(0.5), p95: at(0.95), worst: at(1), worstId: sorted.at(-1)?.id };
  });
}
