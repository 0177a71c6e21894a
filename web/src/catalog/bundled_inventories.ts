// Inventories carried inside: in the library, the command line and the page that is one file.
import packed from "../../../build/catalog/architectures.deflate?inline";
import { readAsset } from "../import/asset";
import type { Inventories } from "./wants_inventory";

let all: Promise<Inventories> | undefined;

/** All of them; unpacked for the first model that needs one, each parsed for the first that needs that one. */
export const inventoriesOf = (): Promise<Inventories> => (all ??= unpacked());

async function unpacked(): Promise<Inventories> {
  const text = await inflated((await readAsset(packed)) as Uint8Array<ArrayBuffer>);
  const rows: Inventories = {};
  for (const line of text.split("\n")) {
    const end = line.indexOf("\t");
    let row: unknown;
    Object.defineProperty(rows, line.slice(0, end), { enumerable: true, get: () => (row ??= JSON.parse(line.slice(end + 1))) });
  }
  return rows;
}

/** Without Response, whose first use alone takes node 50 ms. */
async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { readable, writable } = new DecompressionStream("deflate-raw");
  const writer = writable.getWriter();
  void writer.write(bytes).then(() => writer.close());
  const decoder = new TextDecoder();
  const reader = readable.getReader();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += decoder.decode(part.value, { stream: true });
  return text;
}
