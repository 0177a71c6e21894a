#pragma once
// What a model keeps of past tokens, read off the fields of its configuration: for models whose program is not written here.

#include <string>
#include <vector>

#include "gpumem/document.hpp"
#include "machine/component.hpp"
#include "machine/format.hpp"
#include "machine/shape.hpp"

namespace gpumem {

/// One kind of cached tensor in so many layers.
struct CacheRow {
  const char* name;
  double layers;
  double per_token;             ///< elements a token and layer; 0: a state of fixed size
  double window = 0;            ///< only so many last tokens are kept; 0: all
  double per_sequence = 0;      ///< elements of a state of fixed size, a sequence and layer
  bool recurrent = false;
  bool single = false;          ///< kept in fp32 whatever the weights are in

  [[nodiscard]] Component component() const { return recurrent ? Component::recurrent_state : Component::kv_cache; }
  [[nodiscard]] const Format& format(const Format& weights) const { return single ? *fp32 : weights; }
  [[nodiscard]] Shape shape(double context, double sequences) const;
};

struct CacheRows {
  bool known = false;
  std::vector<CacheRow> rows;
};

/// `library`: inventories by model type, for the defaults of fields that the configuration leaves out.
CacheRows read_cache_rows(const Document& config, const Document& library);

/// What decides, beside the shapes of its weights, what a layer keeps.
struct LayerFields {
  std::vector<double> windows;   ///< tokens each layer looks back, 0: all; empty: no layer has one
  double state = 0;              ///< numbers of a state for each channel of a linear layer
  bool generates = true;         ///< whether text is read from left to right: a decoder, with a head or without
};
LayerFields read_layer_fields(const Document& config, const Document& library);

}  // namespace gpumem
