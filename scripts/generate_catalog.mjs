// Turns core/catalog/ into what the builds include.
//   generate_catalog.mjs OUT_DIR         gpumem_catalog.hpp for the core: constexpr tables
//   generate_catalog.mjs --web OUT_DIR   models.json and gpus.json for the page; inventories of architectures in one
//                                        file (architectures.json) and one by one (architectures/TYPE.json)
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseQuantity } from "./catalog_schema.mjs";
import { readCatalog } from "./support/catalog.mjs";
import { Failure, main } from "./support/run.mjs";

export function generateForCore(folder) {
  writeIfChanged(join(folder, "gpumem_catalog.hpp"), header(readCatalog()));
}

export function generateForWeb(folder) {
  const { models, gpus, architectures } = readCatalog();
  const shown = {
    models: mapValues(models, ({ config, parameters }) => ({ config, parameters })),
    gpus: mapValues(gpus, ({ name, memory, reported, computeCapability }) => ({ name, memory, reported, computeCapability })),
  };
  for (const [name, rows] of Object.entries(shown)) writeIfChanged(join(folder, `${name}.json`), JSON.stringify(rows));
  const inventories = mapValues(architectures, ({ source, defaultParameters, ...inventory }) => inventory);
  writeIfChanged(join(folder, "architectures.json"), JSON.stringify(inventories));
  for (const [type, inventory] of Object.entries(inventories)) writeIfChanged(join(folder, `architectures/${type}.json`), JSON.stringify(inventory));
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
  return [text(id), text(row.name), row.statesPerParameter, row.stepCounter, text(fused), text(foreach), text(loop), text(row.source)];
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
