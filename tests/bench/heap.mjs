// npm run heap [-- estimates]: the engine's memory over many estimates of all kinds. Ends with 1 when it grows, or is larger than it may be.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, main, root } from "../../scripts/support/run.mjs";
import create from "../../wasm/estimator.mjs";
import { factsOf } from "../support/facts.mjs";
import { goldenCases } from "../support/golden.mjs";

const most = 32 * 2 ** 20;

/** The engine with a look at its memory. */
async function engineWithMemory() {
  const instantiate = WebAssembly.instantiate;
  let memory;
  WebAssembly.instantiate = async (...given) => {
    const made = await instantiate(...given);
    ({ memory } = (made.instance ?? made).exports);
    return made;
  };
  try {
    const engine = await create(readFileSync(join(root, "build/wasm/estimator.wasm")));
    return { engine, size: () => memory.buffer.byteLength };
  } finally {
    WebAssembly.instantiate = instantiate;
  }
}

/** {warm, after, estimates}: bytes after every golden case was asked once, and at the end. */
export async function heapOver(estimates) {
  const { engine, size } = await engineWithMemory();
  const asked = goldenCases().map(({ scenario }) => ({ ...scenario, detail: "summary" })).map((scenario) => [scenario, factsOf(scenario)]);
  for (const [scenario, facts] of asked) engine.estimate(scenario, facts);
  const warm = size();
  for (let i = 0; i < estimates; i++) engine.estimate(...asked[i % asked.length]);
  return { warm, after: size(), estimates };
}

export function heapProblem({ warm, after }) {
  if (after > warm) return `the engine's memory grew from ${warm} to ${after} bytes`;
  return after > most ? `the engine's memory has ${after} bytes, and ${most} is the most` : undefined;
}

main(import.meta.url, async () => {
  const result = await heapOver(Number(process.argv[2] ?? 100_000));
  console.log(`${result.estimates} estimates: ${result.warm} bytes after the first of each kind, ${result.after} at the end`);
  const problem = heapProblem(result);
  if (problem) throw new Failure(problem);
});
