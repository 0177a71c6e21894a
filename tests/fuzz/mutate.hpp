#pragma once
// Small changes to JSON that keep it JSON.

#include <nlohmann/json.hpp>
#include <random>

namespace gpumem::fuzz {

using Json = nlohmann::ordered_json;
using Dice = std::minstd_rand;

/// One change at one place: another number, a word from elsewhere in the document, a field gone, doubled or moved.
void mutate(Json& document, Dice& dice);

/// Puts a part of `from` in place of a part of `document`.
void graft(Json& document, const Json& from, Dice& dice);

}  // namespace gpumem::fuzz
