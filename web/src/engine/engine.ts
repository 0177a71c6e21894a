// The engine behind every face: a scenario in, an estimate out. What a scenario's names stand for comes from a catalog.
import create from "../../../build/wasm/estimator.mjs";
import type { Catalog, Description, Estimate, Scenario } from "./types";

export interface Engine {
  /** The estimate as the core wrote it: the same text for every face. */
  estimateText(scenario: unknown, catalog: Catalog): string;
  estimate(scenario: Scenario, catalog: Catalog): Estimate;
  describe(): Description;
  version(): string;
}

export async function createEngine(wasmBinary: ArrayBuffer | Uint8Array): Promise<Engine> {
  const estimator = await create({ wasmBinary });
  const estimateText = (scenario: unknown, catalog: Catalog) => estimator.estimate(scenario, factsOf(scenario, catalog));
  return {
    estimateText,
    estimate: (scenario, catalog) => JSON.parse(estimateText(scenario, catalog)) as Estimate,
    describe: () => JSON.parse(estimator.describe()) as Description,
    version: () => estimator.version(),
  };
}

/** What the scenario's `model.id` and `hardware.gpu` name, where the catalog has them. */
function factsOf(scenario: unknown, { models, gpus }: Catalog) {
  const { model, hardware } = (scenario ?? {}) as { model?: { id?: unknown } | null; hardware?: { gpu?: unknown } | null };
  return { config: own(models, model?.id)?.config ?? null, device: own(gpus, hardware?.gpu) ?? null };
}

function own<Row>(rows: Record<string, Row>, id: unknown): Row | undefined {
  return typeof id === "string" && Object.hasOwn(rows, id) ? rows[id] : undefined;
}
