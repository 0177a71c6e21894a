// Inventories as the page fetches them: those that a configuration needs, and only those that are known to be there.
import listAddress from "../../../build/catalog/architectures.list.json?url";
import { architecturesOf, typesUsedBy } from "../engine/engine";
import { jsonAt } from "../import/asset";
import type { Inventories } from "./wants_inventory";

interface List {
  /** Changes with any of them, so that a browser's cache never mixes two releases. */
  version: string;
  types: string[];
}

let list: Promise<List> | undefined;

/** `have`, and what the configuration needs beside it: the types it names and, one after the other, those that they use. */
export async function inventoriesOf(config: unknown, have: Inventories): Promise<Inventories> {
  list ??= jsonAt(listAddress) as Promise<List>;
  const { version, types } = await list.catch((error) => {
    list = undefined;
    throw error;
  });
  const known = new Set(types);
  const found = { ...have };
  const seen = new Set<string>();
  for (let open = architecturesOf(config); open.length > 0; ) {
    const next = [...new Set(open)].filter((type) => known.has(type) && !seen.has(type));
    next.forEach((type) => seen.add(type));
    await Promise.all(
      next.filter((type) => !Object.hasOwn(found, type)).map(async (type) => (found[type] = await jsonAt(new URL(`architectures-${version}/${encodeURIComponent(type)}.json`, listAddress).href))),
    );
    open = next.flatMap((type) => typesUsedBy(found[type]));
  }
  return found;
}
