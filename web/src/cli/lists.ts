// gpumem models and gpumem gpus: what the catalog knows by name.
import { kindOf } from "../catalog/kind";
import { catalog } from "../lib/catalog";
import { shortCountText } from "../format/counts";
import { columns } from "./columns";
import { print } from "./output";
import { Problem } from "./problem";

export async function modelsCommand(search: string[]): Promise<number> {
  const rows = Object.entries(catalog.models).map(([id, { config, parameters }]) => [id, kindOf(config), shortCountText(parameters)]);
  return list("model", rows, search, [2]);
}

export async function gpusCommand(search: string[]): Promise<number> {
  const rows = Object.entries(catalog.gpus).map(([id, { name, memory }]) => [id, name, memory]);
  return list("GPU", rows, search, [2]);
}

/** Rows in which every word of the search occurs, in any column. */
async function list(what: string, rows: string[][], search: string[], right: number[]): Promise<number> {
  const words = search.join(" ").toLowerCase().split(/\s+/);
  const found = rows.filter((row) => words.every((word) => row.join(" ").toLowerCase().includes(word)));
  if (found.length === 0) throw new Problem(`The catalog has no ${what} with "${search.join(" ")}" in its row.`);
  await print(columns(found, right).map((line) => `${line}\n`).join(""));
  return 0;
}
