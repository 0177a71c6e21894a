// Reads core/catalog/ and checks it on the way: what comes back is valid.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expandedRows, kinds, problemsOfRow, problemsOfSources } from "../catalog_schema.mjs";
import { Failure, root } from "./run.mjs";

const home = join(root, "core/catalog");

/** {sources, formats: {id: row}, optimizers: …, overheads: …, gpus: …, models: …}; ids in order. */
export function readCatalog(folder = home) {
  const problems = [];
  const sources = readJson(join(folder, "sources.json"), problems) ?? {};
  report(problems, "sources.json", problemsOfSources(sources));
  const catalog = { sources };
  for (const kind of Object.keys(kinds)) catalog[kind] = readKind(folder, kind, sources, problems);
  if (problems.length > 0) throw new Failure(`The catalog is not valid:\n${problems.join("\n")}`);
  return catalog;
}

function readKind(folder, kind, sources, problems) {
  const rows = {};
  for (const file of jsonFiles(join(folder, kind))) {
    const path = join(kind, file);
    const row = readJson(join(folder, path), problems);
    if (row === undefined) continue;
    for (const [id, one] of Object.entries(expandedRows(file.slice(0, -".json".length), row))) {
      report(problems, path, problemsOfRow(kind, one, sources));
      rows[id] = one;
    }
  }
  return rows;
}

/** Files below a folder; anything that is not .json is listed too, so that readJson complains about it. */
function jsonFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
    .sort();
}

function readJson(path, problems) {
  if (!path.endsWith(".json")) {
    problems.push(`${path}: only .json files belong here`);
    return undefined;
  }
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    problems.push(`${path}: ${error.message}`);
    return undefined;
  }
}

const report = (problems, path, found) => problems.push(...found.map((problem) => `core/catalog/${path}: ${problem}`));
