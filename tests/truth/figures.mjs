// build/accuracy.json: how far answers of each kind are off, for the page to say beside its own.
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { main, root } from "../../scripts/support/run.mjs";
import { loadEngine } from "../support/engine.mjs";
import { readCases, runCases, summarise } from "./measure.mjs";

export const path = join(root, "build/accuracy.json");

/** What is said of whole answers; weights alone and single phases are docs/accuracy.md's. */
const told = ["allocatedBytes", "reservedBytes", "processBytes", "kv-cache", "weights", "workspace", "kvCache.tokensThatFit"];
/** A median over fewer says little. */
const fewest = 5;

const kindOf = ({ task, engine, training }) => [task, engine?.name, task === "training" && training?.method].filter(Boolean).join(" ");

/** {"training torch lora": [{group, quantity, answered, median, p95}]}; errors are relative. */
export function figures(cases, results) {
  const kinds = new Map();
  cases.forEach(({ scenario }, i) => {
    if (!scenario.engine?.name) return;
    const kind = kindOf(scenario);
    kinds.set(kind, [...(kinds.get(kind) ?? []), results[i]]);
  });
  const rows = (of) => {
    const found = summarise(of).filter(({ quantity, answered }) => told.includes(quantity) && answered >= fewest);
    // Weights are a part of that.
    const whole = found.some(({ quantity }) => quantity === "allocatedBytes");
    return found.filter(({ quantity }) => !whole || quantity !== "weights").map(({ group, quantity, answered, median, p95 }) => ({ group, quantity, answered, median, p95 }));
  };
  return Object.fromEntries([...kinds].map(([kind, of]) => [kind, rows(of)]).filter(([, rows]) => rows.length > 0));
}

export function writeFigures(cases, results) {
  mkdirSync(join(root, "build"), { recursive: true });
  writeFileSync(path, JSON.stringify(figures(cases, results)));
}

/** Older than the engine or the cases, or not there at all. */
function outOfDate() {
  const time = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const folder = join(root, "tests/truth/cases");
  return time(path) === 0 || [join(root, "build/wasm/estimator.wasm"), ...readdirSync(folder).map((file) => join(folder, file))].some((file) => time(file) > time(path));
}

main(import.meta.url, async () => {
  if (!outOfDate()) return;
  const cases = readCases();
  writeFigures(cases, runCases(cases, await loadEngine()));
});
