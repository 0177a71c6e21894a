// Milliseconds of one call into the engine, for the model with the most layers: the summary that menus and sweeps ask for
// a hundred at a time, and the answer with every layer's moments that the page draws once.
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { Failure } from "../../scripts/support/run.mjs";
import { loadEngine } from "../support/engine.mjs";
import { median } from "./median.mjs";

const id = "meta-llama/Llama-3.1-405B";

const scenarios = {
  "inference, 126 layers": { task: "inference", inference: { sequences: 4, contextTokens: 8192, promptTokens: 8192 } },
  "training, 126 layers": { task: "training", training: { sequenceTokens: 4096 } },
};

const details = ["summary", "timeline"];

/** [{what, detail, value}], each the median of many calls after a warm-up. */
export async function estimateTimes() {
  const engine = await loadEngine();
  const facts = { config: readCatalog().models[id].config };
  const cases = Object.entries(scenarios).flatMap(([what, scenario]) => details.map((detail) => ({ what: `${what}, ${detail}`, scenario, detail })));
  return cases.map(({ what, scenario, detail }) => {
    const call = () => engine.estimate({ model: { id }, ...scenario, detail }, facts);
    const answer = JSON.parse(call());
    if (!answer.ok) throw new Failure(`The benchmark's ${what} is refused: ${JSON.stringify(answer.issues)}`);
    for (let i = 0; i < 100; i++) call();
    return { what, detail, value: median(Array.from({ length: 301 }, () => timed(call))) };
  });
}

function timed(action) {
  const start = performance.now();
  action();
  return performance.now() - start;
}
