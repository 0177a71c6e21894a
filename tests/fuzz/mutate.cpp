#include "mutate.hpp"

#include <string>
#include <vector>

namespace gpumem::fuzz {
namespace {

std::size_t roll(Dice& dice, std::size_t sides) { return sides == 0 ? 0 : dice() % sides; }

/// A value and where it lies, so that it can be taken away.
struct Place {
  Json* parent;
  std::string key;
  std::size_t index;
  Json& value() const { return parent->is_object() ? (*parent)[key] : (*parent)[index]; }
};

void collect(Json& at, std::vector<Place>& places) {
  if (at.is_object())
    for (auto& [key, value] : at.items()) {
      places.push_back({&at, key, 0});
      collect(value, places);
    }
  if (at.is_array())
    for (std::size_t i = 0; i < at.size(); ++i) {
      places.push_back({&at, "", i});
      collect(at[i], places);
    }
}

Json number(Dice& dice, double old) {
  const double choices[] = {0, 1, 2, 3, 7, 64, 4096, 1e5, 3e9, 9007199254740992.0, 1e18, 1e308, -1, -0.0, 0.5, 3.9, old + 1, old - 1, old * 2, old / 2, old * 1000};
  return choices[roll(dice, std::size(choices))];
}

void change(const Place& place, const std::vector<Place>& others, Dice& dice) {
  Json& value = place.value();
  const std::size_t what = roll(dice, 10);
  if (value.is_number() && what < 7) {
    value = number(dice, value.get<double>());
  } else if (value.is_boolean() && what < 7) {
    value = !value.get<bool>();
  } else if (what < 4) {
    value = Json(others[roll(dice, others.size())].value());
  } else if (what < 6) {
    if (place.parent->is_object()) place.parent->erase(place.key);
    else place.parent->erase(place.parent->begin() + static_cast<std::ptrdiff_t>(place.index));
  } else if (what < 8 && place.parent->is_object()) {
    const Place& other = others[roll(dice, others.size())];
    if (!other.key.empty()) (*place.parent)[other.key] = Json(other.value());
  } else {
    const Json odd[] = {nullptr, true, "", "1", "24 GiB", Json::array(), Json::object(), Json::array({value}), std::string(300, 'x')};
    value = odd[roll(dice, std::size(odd))];
  }
}

}  // namespace

void mutate(Json& document, Dice& dice) {
  std::vector<Place> places;
  collect(document, places);
  if (places.empty()) return;
  change(places[roll(dice, places.size())], places, dice);
}

void graft(Json& document, const Json& from, Dice& dice) {
  Json other = from;
  std::vector<Place> here, there;
  collect(document, here);
  collect(other, there);
  if (here.empty() || there.empty()) return;
  const Place& to = here[roll(dice, here.size())];
  for (int tries = 0; tries < 20; ++tries) {
    const Place& part = there[roll(dice, there.size())];
    if (!to.parent->is_object() || part.key == to.key || tries == 19) {
      to.value() = Json(part.value());
      return;
    }
  }
}

}  // namespace gpumem::fuzz
