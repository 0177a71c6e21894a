#pragma once
// The one call of the library: a scenario in, an estimate out. Both are documents of the shapes in docs/scenario.md.

#include "gpumem/document.hpp"

namespace gpumem {

/// What a scenario's names stand for: {"config": a model's config.json, "device": a card's row of the catalog,
/// "architectures": inventories by model type, for the types that the configuration names}.
/// Answers {"ok": true, …}, or {"ok": false, "issues": […]} with every issue of the request at once. Never throws.
Document estimate(const Document& scenario, const Document& facts);

/// The words that fields accept, with their names: what a form needs to build its menus.
Document describe();

/// The fields that this scenario may have: path, kind, default (the one that its answer is made with), unit, least, most, words.
Document fields_of(const Document& scenario, const Document& facts);

}  // namespace gpumem
