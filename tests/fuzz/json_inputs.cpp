// How libFuzzer changes inputs that are JSON: as JSON, so that each gets past the parser.

#include <algorithm>
#include <string>

#include "answers.hpp"
#include "mutate.hpp"

using gpumem::fuzz::Dice;
using gpumem::fuzz::Json;
using gpumem::fuzz::parsed;

/// Text of at most `longest` bytes goes to `data`; what is longer is dropped, and the input stays what it was.
static std::size_t put(const Json& json, std::uint8_t* data, std::size_t size, std::size_t longest) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > longest) return size;
  std::copy(text.begin(), text.end(), data);
  return text.size();
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t longest, unsigned seed) {
  Json json = parsed(data, size);
  if (json.is_null()) json = Json::object();
  Dice dice(seed + 1);
  for (std::size_t changes = 1 + dice() % 3; changes > 0; --changes) gpumem::fuzz::mutate(json, dice);
  return put(json, data, size, longest);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size, const std::uint8_t* other, std::size_t other_size,
                                                 std::uint8_t* out, std::size_t longest, unsigned seed) {
  Json json = parsed(one, one_size);
  const Json from = parsed(other, other_size);
  if (json.is_null() || from.is_null()) return 0;
  Dice dice(seed + 1);
  gpumem::fuzz::graft(json, from, dice);
  return put(json, out, 0, longest);
}
