// The words that menus offer.
import type { Engine } from "../engine/engine";
import type { Catalog, Description, Scenario } from "../engine/types";

export interface Words extends Required<Description> {
  /** By kind of work, those that the core computes. */
  engines: { inference: string[]; training: string[] };
  /** Of each engine, the ways to split the work over GPUs that the core computes. */
  splits: Record<string, string[]>;
}

/** What the engine accepts but does not list. */
const unlisted = {
  methods: ["full", "lora", "qlora", "dora", "prompt"],
  crossEntropy: ["full", "chunked"],
};

/** By task, those that the core has heard of. */
export const allEngines = {
  inference: ["transformers", "llama.cpp", "vllm", "sglang", "tensorrt-llm", "mlx", "exllamav2", "exllamav3"],
  training: ["torch", "fsdp", "deepspeed", "megatron"],
} as const;
const allSplits = { data: 2, tensor: 2, pipeline: 2, context: 2, expert: 2, virtualStages: 2, zero: 1 };

/** What the core's own words leave open is asked of the core: it names what it does not compute. */
export function wordsOf(engine: Engine, catalog: Catalog): Words {
  if (engine.words) return engine.words;
  const [id] = Object.keys(catalog.models);
  const unsupported = (scenario: Omit<Scenario, "model">) => {
    const estimate = engine.estimate({ model: { id }, detail: "summary", ...scenario }, catalog);
    return estimate.ok ? [] : estimate.issues.filter(({ code }) => code === "unsupported").map(({ path }) => path);
  };
  const computed = (task: "inference" | "training") =>
    allEngines[task].filter((name) => !unsupported({ task, engine: { name } }).includes("engine.name"));
  const engines = { inference: computed("inference"), training: computed("training") };
  const splits: Words["splits"] = {};
  for (const task of ["inference", "training"] as const)
    for (const name of engines[task]) {
      const missing = unsupported({ task, engine: { name }, parallel: allSplits });
      splits[name] = Object.keys(allSplits).filter((split) => !missing.includes(`parallel.${split}`));
    }
  return { ...unlisted, ...engine.describe(), engines, splits };
}
