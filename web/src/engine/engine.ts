// The engine behind every face: a scenario in, an estimate out. What a scenario's names stand for comes from a catalog.
import create, { type Estimator } from "../../../wasm/estimator.mjs";
import type { Words } from "../state/description";
import type { Catalog, Description, Estimate, Scenario } from "./types";

export interface Engine {
  estimate(scenario: Scenario, catalog: Catalog): Estimate;
  describe(): Description;
  version(): string;
  /** False for what stands in before the whole engine is there: what it refuses, that one may answer. */
  whole: boolean;
  /** The words of menus, where they were asked ahead. */
  words?: Words;
}

/** One of WebAssembly. */
export interface LoadedEngine extends Engine {
  /** The estimate as the core wrote it: the same text for every face. */
  estimateText(scenario: unknown, catalog: Catalog): string;
  estimator: Estimator;
}

export async function createEngine(binary: BufferSource | Response, whole = true): Promise<LoadedEngine> {
  const estimator = await create(binary);
  const estimateText = (scenario: unknown, catalog: Catalog) => estimator.estimate(scenario, factsOf(scenario, catalog));
  return {
    estimateText,
    estimate: (scenario, catalog) => JSON.parse(estimateText(scenario, catalog)) as Estimate,
    describe: () => JSON.parse(estimator.describe()) as Description,
    estimator,
    version: () => estimator.version(),
    whole,
  };
}

interface Named {
  model?: { id?: unknown; config?: unknown; safetensors?: { config?: unknown } | null } | null;
  inference?: { draft?: { id?: unknown; config?: unknown } | null } | null;
  hardware?: { gpu?: unknown } | null;
}

/** The model's configuration: the catalog's, or the one that the scenario holds. */
export function configOf(scenario: unknown, { models }: Catalog): unknown {
  const { model } = (scenario ?? {}) as Named;
  return own(models, model?.id)?.config ?? model?.config ?? model?.safetensors?.config;
}

/** What the scenario's `model.id` and `hardware.gpu` name, where the catalog has them, and the inventories of its configuration. */
export function factsOf(scenario: unknown, catalog: Catalog) {
  const { models, gpus, architectures = {} } = catalog;
  const { model, hardware, inference } = (scenario ?? {}) as Named;
  const config = own(models, model?.id)?.config ?? null;
  const draft = inference?.draft;
  const small = own(models, draft?.id)?.config ?? null;
  const used = [configOf(scenario, catalog), small ?? draft?.config];
  return { config, device: own(gpus, hardware?.gpu) ?? null, architectures: closure(used, architectures), ...(small ? { draft: small } : {}) };
}

/** The model types that a configuration and the configurations inside it name. */
export function architecturesOf(config: unknown, depth = 0): string[] {
  if (typeof config !== "object" || config === null || depth > 8) return [];
  const type = (config as { model_type?: unknown }).model_type;
  return [...(typeof type === "string" ? [type] : []), ...Object.values(config).flatMap((inner) => architecturesOf(inner, depth + 1))];
}

/** The types that an inventory refers to. */
export function typesUsedBy(inventory: unknown): string[] {
  const types = new Set<string>();
  const visit = (value: unknown) => {
    if (typeof value !== "object" || value === null) return;
    const { type } = value as { type?: unknown };
    if (typeof type === "string") types.add(type);
    Object.values(value).forEach(visit);
  };
  const { configs, classes } = (inventory ?? {}) as { configs?: unknown; classes?: unknown };
  visit(configs);
  visit(classes);
  return [...types];
}

function closure(config: unknown, architectures: Record<string, unknown>) {
  const found: Record<string, unknown> = {};
  const open = architecturesOf(config);
  for (let type = open.pop(); type !== undefined; type = open.pop()) {
    const inventory = Object.hasOwn(found, type) ? undefined : own(architectures, type);
    if (inventory === undefined) continue;
    found[type] = inventory;
    open.push(...typesUsedBy(inventory));
  }
  return found;
}

function own<Row>(rows: Record<string, Row>, id: unknown): Row | undefined {
  return typeof id === "string" && Object.hasOwn(rows, id) ? rows[id] : undefined;
}
