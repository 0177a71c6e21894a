#pragma once
// The weights of a model whose program is not written here: every tensor's shape and how often it is there, from an
// inventory of its class (core/catalog/architectures/) read against its configuration.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "architectures/fields.hpp"
#include "machine/shape.hpp"

namespace gpumem {

struct HeldTensor {
  std::string name;      ///< "model.layers.*.mlp.gate.weight"
  Shape shape;           ///< extents beyond the fifth are multiplied into the last
  double copies = 1;
  std::vector<std::pair<int, double>> by_layer;   ///< layers it is in, with its copies there; empty outside of layers
  double active = 1;     ///< share of it that one token uses: routed experts are used in part
};

struct Inventory {
  std::vector<HeldTensor> tensors;
  [[nodiscard]] double total() const;
  [[nodiscard]] double active() const;
};

/// Whether the library (inventories by model type) has one for this configuration.
bool has_inventory(const Document& config, const Document* library);

/// What is wrong goes to the issues of `config`; the inventory is of use only if there are none.
Inventory read_inventory(Fields& config, const Document& library);

}  // namespace gpumem
