// The library: the engine and the catalog in one import, the same answers as the command line and the page.
import type { Description, Estimate, FieldDescription, Scenario } from "../engine/types";
import { inventoriesOf } from "../catalog/bundled_inventories";
import { wantsInventory } from "../catalog/wants_inventory";
import { bareConfigRefusal } from "./bare_config";
import { bundledEngine, discardEngine } from "./bundled_engine";
import { catalog } from "./catalog";
import { everyField, fieldsOf } from "./fields";

export type * from "../engine/types";

/** What the scenario's model occupies, or every issue of the scenario at once. An invalid scenario is no exception. */
export async function estimate(scenario: Scenario): Promise<Estimate> {
  return JSON.parse(await estimateText(scenario)) as Estimate;
}

/** The estimate as JSON text, byte for byte what `gpumem estimate --json` prints. Takes any value, as it was read. */
export async function estimateText(scenario: unknown): Promise<string> {
  const refusal = bareConfigRefusal(scenario);
  if (refusal) return JSON.stringify(refusal);
  const engine = await bundledEngine();
  try {
    const text = engine.estimateText(scenario, catalog);
    if (catalog.architectures || !wantsInventory(JSON.parse(text))) return text;
    catalog.architectures = await inventoriesOf();
    return engine.estimateText(scenario, catalog);
  } catch (error) {
    discardEngine();
    throw error;
  }
}

/**
 * The words that a scenario's fields accept, the bibliography that explanations refer to, and in `fields` the fields themselves:
 * those that the given scenario may have, with the defaults of its model, engine and hardware, or else those of every task and engine.
 */
export async function describe(scenario?: Scenario): Promise<Description & { fields: FieldDescription[] }> {
  const engine = await bundledEngine();
  const fields = scenario ? fieldsOf(engine, scenario, catalog) : everyField(engine, catalog);
  return { ...engine.describe(), fields };
}
