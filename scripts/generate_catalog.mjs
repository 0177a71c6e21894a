// Turns core/catalog/ into what the builds include.
//   generate_catalog.mjs OUT_DIR         gpumem_catalog.hpp for the core: constexpr tables
//   generate_catalog.mjs --web OUT_DIR   for the web: models.packed.json, gpus.packed.json, and first.json: what is shown
//                                        before the rest has arrived
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseQuantity } from "./catalog_schema.mjs";
import { readCatalog } from "./support/catalog.mjs";
import { packModels, packRows } from "./support/pack_catalog.mjs";
import { Failure, main, root } from "./support/run.mjs";

export function generateForCore(folder) {
  const catalog = readCatalog();
  writeIfChanged(join(folder, "gpumem_catalog.hpp"), header({ ...catalog, sources: sourcesOfCore(catalog) }));
}

/** The bibliography of what the core says: sources of models and cards only would be a thirtieth of the page. */
function sourcesOfCore({ sources, formats, optimizers, overheads }) {
  const code = readdirSync(join(root, "core/src"), { recursive: true })
    .filter((file) => file.endsWith(".cpp"))
    .map((file) => readFileSync(join(root, "core/src", file), "utf8"));
  const text = [JSON.stringify([formats, optimizers, overheads]), ...code].join();
  return Object.fromEntries(Object.entries(sources).filter(([key]) => text.includes(`"${key}"`)));
}

// What the page shows before its visitor has chosen, and before the rest has arrived.
const firstModel = "meta-llama/Llama-3.1-8B";
const firstGpu = "nvidia/rtx-4090";
const gpuFields = ["name", "memory", "reported", "computeCapability", "usableShare", "class"];

export function generateForWeb(folder) {
  const { models, gpus } = rowsForWeb();
  const files = {
    first: { models: { [firstModel]: models[firstModel] }, gpus: { [firstGpu]: gpus[firstGpu] } },
    "models.packed": packModels(models),
    "gpus.packed": packRows(gpus),
  };
  for (const [name, rows] of Object.entries(files)) writeIfChanged(join(folder, `${name}.json`), JSON.stringify(rows));
}

/** What the web is told of the catalog: no sources, no notes. */
export function rowsForWeb() {
  const { models, gpus } = readCatalog();
  return {
    models: mapValues(models, ({ config, parameters }) => ({ config, parameters })),
    gpus: mapValues(gpus, (row) => Object.fromEntries(gpuFields.filter((field) => row[field] !== undefined).map((field) => [field, row[field]]))),
  };
}

function header({ formats, optimizers, overheads, sources }) {
  return `// Made from core/catalog/ by scripts/generate_catalog.mjs; do not edit.
#pragma once

#include <string_view>

namespace gpumem::catalog {

/// A number format: that many bytes hold that many numbers.
struct FormatRow {
  std::string_view id;
  double block_elements, block_bytes;
  std::string_view source;
};
inline constexpr FormatRow formats[] = {
${rowsOf(formats, (id, row) => [text(id), row.blockElements, row.blockBytes, text(row.source)])}
};

/// An optimizer: states kept per trainable parameter, and what a step allocates for a moment in each implementation.
struct OptimizerRow {
  std::string_view id, name;
  double states_per_parameter;
  bool step_counter;
  /// What is kept for matrices instead: "factored" a row and a column; "hidden" one state for those inside layers.
  std::string_view matrices;
  std::string_view fused_temporaries, foreach_temporaries, loop_temporaries;
  std::string_view source;
};
inline constexpr OptimizerRow optimizers[] = {
${rowsOf(optimizers, optimizerCells)}
};

/// Memory that only measurement tells: a band in bytes, or a band of shares (the other one is all zeros).
struct OverheadRow {
  std::string_view id;
  double low_bytes, expected_bytes, high_bytes;
  double low_share, expected_share, high_share;
  std::string_view source;
};
inline constexpr OverheadRow overheads[] = {
${rowsOf(overheads, overheadCells)}
};

struct SourceRow {
  std::string_view key, title, url;
};
inline constexpr SourceRow sources[] = {
${rowsOf(sources, (key, row) => [text(key), text(row.title), text(row.url)])}
};

}  // namespace gpumem::catalog
`;
}

function optimizerCells(id, row) {
  const { fused, foreach, loop } = row.temporaries;
  return [text(id), text(row.name), row.statesPerParameter, row.stepCounter, text(row.matrices ?? ""), text(fused), text(foreach), text(loop), text(row.source)];
}

function overheadCells(id, row) {
  const bytes = [row.low, row.expected, row.high].map((quantity) => (quantity ? parseQuantity(quantity) : 0));
  const shares = [row.lowShare, row.expectedShare, row.highShare].map((share) => share ?? 0);
  return [text(id), ...bytes, ...shares, text(row.source)];
}

const rowsOf = (rows, cells) => Object.entries(rows).map(([id, row]) => `    {${cells(id, row).join(", ")}},`).join("\n");
const mapValues = (rows, change) => Object.fromEntries(Object.entries(rows).map(([id, row]) => [id, change(row)]));
// JSON's escapes are C++'s, for text without control characters.
const text = (value) => JSON.stringify(value);

/** Leaves an unchanged file alone, so that nothing is compiled again for it. */
function writeIfChanged(path, content) {
  if (existsSync(path) && readFileSync(path, "utf8") === content) return;
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
}

main(import.meta.url, () => {
  const args = process.argv.slice(2);
  const forWeb = args[0] === "--web";
  const folder = args[forWeb ? 1 : 0];
  if (!folder) throw new Failure("Usage: generate_catalog.mjs [--web] OUT_DIR");
  if (forWeb) generateForWeb(folder);
  else generateForCore(folder);
});
