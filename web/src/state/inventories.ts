// Inventories of model types that the engine has no program for: they arrive when a configuration needs them.
import { useEffect, useRef, useState } from "preact/hooks";
import { inventoriesOf } from "../catalog/fetched_inventories";
import { type Inventories, wantsInventory } from "../catalog/wants_inventory";
import { architecturesOf, configOf } from "../engine/engine";
import type { Catalog } from "../engine/types";
import type { Asked } from "./answer";

/** Has what the model needs beside the catalog fetched; true until it is there, or known not to be. */
export function useInventories({ scenario, estimate }: Asked, catalog: Catalog, setArchitectures: (found: Inventories) => void): boolean {
  const settled = useRef(new Set<string>()).current;
  const [, setLast] = useState("");
  const config = scenario && configOf(scenario, catalog);
  const { architectures = {} } = catalog;
  const types = architecturesOf(config);
  const key = types.join("\n");
  // One that is there may need others for this configuration.
  const wanted = types.length > 0 && !settled.has(key) && (wantsInventory(estimate) || Object.hasOwn(architectures, types[0]));
  useEffect(() => {
    if (!wanted) return;
    const settle = (found?: Inventories) => {
      settled.add(key);
      if (found) setArchitectures(found);
      setLast(key);
    };
    inventoriesOf(config, architectures).then(settle, () => settle());
  }, [wanted, key]);
  return wanted;
}
