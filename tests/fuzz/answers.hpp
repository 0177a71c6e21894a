#pragma once
// What has to hold of every answer, whatever was asked.

#include <nlohmann/json.hpp>

#include "gpumem/document.hpp"

namespace gpumem::fuzz {

/// The estimate always comes and is the same twice; one that is given adds up, holds finite numbers, and the completed scenario that
/// it echoes has the same answer; a refusal has issues. Ends the program where one of these does not hold.
void check_answer(const Document& scenario, const Document& facts);

/// Undefined input is answered with null.
nlohmann::ordered_json parsed(const std::uint8_t* data, std::size_t size);

}  // namespace gpumem::fuzz
