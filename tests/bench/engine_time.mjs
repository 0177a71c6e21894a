// Milliseconds of one call into the engine, for the model with the most layers.
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { Failure } from "../../scripts/support/run.mjs";
import { loadEngine } from "../support/engine.mjs";
import { median } from "./median.mjs";

const id = "meta-llama/Llama-3.1-405B";

const scenarios = {
  "inference, 126 layers": { task: "inference", inference: { sequences: 4, contextTokens: 8192, promptTokens: 8192 } },
  "training, 126 layers": { task: "training", training: { sequenceTokens: 4096 } },
};

/** [{what, value}], each the median of many calls after a warm-up. */
export async function estimateTimes() {
  const engine = await loadEngine();
  const facts = { config: readCatalog().models[id].config };
  return Object.entries(scenarios).map(([what, scenario]) => {
    const call = () => engine.estimate({ model: { id }, ...scenario }, facts);
    const answer = JSON.parse(call());
    if (!answer.ok) throw new Failure(`The benchmark's ${what} is refused: ${JSON.stringify(answer.issues)}`);
    for (let i = 0; i < 100; i++) call();
    return { what, value: median(Array.from({ length: 301 }, () => timed(call))) };
  });
}

function timed(action) {
  const start = performance.now();
  action();
  return performance.now() - start;
}
