// Inventories carried inside: in the library, the command line and the page that is one file.
import packed from "../../../build/catalog/architectures.deflate?inline";
import { readAsset } from "../import/asset";
import type { Inventories } from "./wants_inventory";

let all: Promise<Inventories> | undefined;

/** All of them; unpacked for the first model that needs one, each parsed for the first that needs that one. */
export const inventoriesOf = (): Promise<Inventories> => (all ??= unpacked());

async function unpacked(): Promise<Inventories> {
  const bytes = (await readAsset(packed)) as BlobPart;
  const text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).text();
  const rows: Inventories = {};
  for (const line of text.split("\n")) {
    const end = line.indexOf("\t");
    let row: unknown;
    Object.defineProperty(rows, line.slice(0, end), { enumerable: true, get: () => (row ??= JSON.parse(line.slice(end + 1))) });
  }
  return rows;
}
