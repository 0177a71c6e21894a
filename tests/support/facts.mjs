// What a scenario's names stand for, looked up as every face does it.
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { importTypeScript } from "./typescript.mjs";

const catalog = readCatalog();
const engine = await importTypeScript("web/src/engine/engine.ts");

/** {config, device, architectures}: rows of the catalog, and the inventories that the configuration needs. */
export const factsOf = (scenario) => engine.factsOf(scenario, catalog);
