// Turns core/catalog/ into what the builds include.
//   generate_catalog.mjs OUT_DIR         gpumem_catalog.hpp for the core: constexpr tables
//   generate_catalog.mjs --web OUT_DIR   for the web: models.packed.json, gpus.packed.json, first.json (what is shown before
//                                        the rest has arrived); inventories of architectures: each by itself
//                                        (architectures/TYPE.json) with a list of them (architectures.list.json), and all
//                                        of them for what carries them inside (architectures.deflate)
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { parseQuantity, ruleConditions, tensorRoles } from "./catalog_schema.mjs";
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
  const inventories = mapValues(readCatalog().architectures, ({ source, defaultParameters, ...inventory }) => inventory);
  const lines = Object.entries(inventories).map(([type, inventory]) => [type, JSON.stringify(inventory)]);
  for (const [type, text] of lines) writeIfChanged(join(folder, `architectures/${type}.json`), text);
  const all = lines.map((line) => line.join("\t")).join("\n");
  const version = createHash("sha256").update(all).digest("hex").slice(0, 8);
  writeIfChanged(join(folder, "architectures.list.json"), JSON.stringify({ version, types: Object.keys(inventories) }));
  writeIfChanged(join(folder, "architectures.deflate"), deflateRawSync(all, { level: 9 }));
}

/** What the web is told of the catalog: no sources, no notes. */
export function rowsForWeb() {
  const { models, gpus } = readCatalog();
  return {
    models: mapValues(models, ({ config, parameters }) => ({ config, parameters })),
    gpus: mapValues(gpus, (row) => Object.fromEntries(gpuFields.filter((field) => row[field] !== undefined).map((field) => [field, row[field]]))),
  };
}

function header({ formats, quantizations, optimizers, overheads, sources }) {
  const extras = listed(formats, "extras", ({ bytes, rows = 0, columns = 0, elements = 0 }) => [bytes, rows, columns, elements]);
  const rules = listed(quantizations, "rules", (rule) => [bits(rule.tensors, tensorRoles), bits(rule.when ?? [], ruleConditions), formatIndex(formats, rule.format)]);
  return `// Made from core/catalog/ by scripts/generate_catalog.mjs; do not edit.
#pragma once

#include <cstdint>
#include <string_view>

namespace gpumem::catalog {

/// What lies beside a format's blocks: that many bytes for every so many rows and columns (0: for all), or elements.
struct FormatExtra {
  double bytes, rows, columns, elements;
};
inline constexpr FormatExtra format_extras[] = {
${extras.text}
};

/// A number format: that many bytes hold that many numbers, and what lies beside them.
struct FormatRow {
  std::string_view id;
  double block_elements, block_bytes;
  std::string_view source;
  std::int16_t fallback;   ///< the row to take where a matrix row is no multiple of the block; -1: none
  std::uint8_t first_extra, extras;
};
inline constexpr FormatRow formats[] = {
${rowsOf(formats, (id, row) => [text(id), row.blockElements, row.blockBytes, text(row.source), formatIndex(formats, row.fallback), ...extras.span(id)])}
};

// What a tensor is for, a bit each.
namespace role {
${constants(tensorRoles)}
}
// Where a rule of a mix holds, a bit each.
namespace when {
${constants(ruleConditions)}
}

/// Tensors of one of these roles, where all these conditions hold, have that format (-1: the one the model computes in).
struct MixRule {
  std::uint32_t tensors;
  std::uint16_t conditions;
  std::int16_t format;
};
inline constexpr MixRule mix_rules[] = {
${rules.text}
};

/// Which tensor gets which format: the first rule that holds decides, else it is the base.
struct MixRow {
  std::string_view id;
  bool gguf, unpacked;
  std::int16_t base;
  std::uint16_t first_rule, rules;
  std::string_view source;
};
inline constexpr MixRow mixes[] = {
${rowsOf(quantizations, (id, row) => [text(id), row.kind === "gguf", row.unpacked ?? false, formatIndex(formats, row.base), ...rules.span(id), text(row.source)])}
};

/// An optimizer: states kept per trainable parameter, and what a step allocates for a moment in each implementation.
struct OptimizerRow {
  std::string_view id, name;
  double states_per_parameter;
  bool step_counter;
  /// What is kept for matrices instead: "factored" a row and a column; "hidden" one state for those inside layers.
  std::string_view matrices;
  double rank;
  double block_elements, block_bytes, smallest;   ///< of quantised states; 0: they have the parameter's format
  bool table_each_state;   ///< every quantised state has a table of its own; what is not quantised keeps the parameter's format
  bool no_table;           ///< a packed number is what it stands for; what is not quantised keeps the parameter's format
  std::string_view state_format;   ///< of states that are not quantised, where it is not the parameter's
  double managed;          ///< parameters of at least so many numbers keep theirs in managed memory; 0: none do
  bool in_backward;
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

/** Lists inside rows as one table: its text, and where a row's part of it lies. Rows with the same list share it. */
function listed(rows, field, cells) {
  const lines = [];
  const starts = new Map();
  const spans = new Map();
  for (const [id, row] of Object.entries(rows)) {
    const own = (row[field] ?? []).map((entry) => `    {${cells(entry).join(", ")}},`);
    const key = own.join("\n");
    if (!starts.has(key)) starts.set(key, lines.push(...own) - own.length);
    spans.set(id, [starts.get(key), own.length]);
  }
  return { text: lines.join("\n"), span: (id) => spans.get(id) };
}

function formatIndex(formats, id) {
  if (id === undefined || id === "compute") return -1;
  const index = Object.keys(formats).indexOf(id);
  if (index < 0) throw new Failure(`core/catalog/formats has no ${id}`);
  return index;
}

const bits = (words, all) => words.reduce((sum, word) => sum + (word === "any" ? 2 ** all.length - 1 : 2 ** all.indexOf(word)), 0);
const constants = (words) =>
  words.map((word, i) => `inline constexpr std::uint32_t ${word.replace(/-(\w)/g, "_$1")} = ${2 ** i};`).join("\n");

function optimizerCells(id, row) {
  const { fused, foreach, loop } = row.temporaries;
  return [text(id), text(row.name), row.statesPerParameter, row.stepCounter, text(row.matrices ?? ""), row.rank ?? 0, row.blockElements ?? 0, row.blockBytes ?? 0, row.smallest ?? 0, row.tableEachState ?? false, row.noTable ?? false, text(row.stateFormat ?? ""), row.managedFrom ?? 0, row.inBackward ?? false, text(fused), text(foreach), text(loop), text(row.source)];
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
  if (existsSync(path) && readFileSync(path).equals(Buffer.from(content))) return;
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
