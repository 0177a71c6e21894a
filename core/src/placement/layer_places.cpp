#include "placement/layer_places.hpp"

#include <algorithm>

#include "quantization/mix.hpp"

namespace gpumem {

/// The places behind each GPU's last layer, as shares of all; in the precision in which llama.cpp compares them.
static std::vector<float> ends_of(const std::vector<double>& shares) {
  std::vector<float> ends;
  float sum = 0;
  for (const double share : shares) ends.push_back(sum += static_cast<float>(share));
  for (float& end : ends) end /= sum;
  return ends;
}

LayerPlaces place_layers(int layers, const LayerSplit& split) {
  const std::vector<float> ends = ends_of(split.shares);
  const int slots = layers + 1;
  const int wanted = static_cast<int>(std::min(split.gpu_layers, static_cast<double>(slots)));
  const int first = std::max((split.output_last ? layers : slots) - wanted, 0);
  const auto place = [&](int slot) {
    if (slot < first || slot - first >= wanted) return main_memory;
    const float at = static_cast<float>(slot - first) / static_cast<float>(wanted);
    const auto gpu = std::upper_bound(ends.begin(), ends.end(), at) - ends.begin();
    return static_cast<int>(std::min<std::ptrdiff_t>(gpu, static_cast<std::ptrdiff_t>(ends.size()) - 1));
  };
  LayerPlaces made;
  for (int layer = 0; layer < layers; ++layer) made.layers.push_back(place(layer));
  made.output = place(layers);
  return made;
}

int place_of(const GgufTensor& t, const LayerPlaces& places, double expert_layers) {
  if (t.layer >= 0) return t.expert && t.layer < expert_layers ? main_memory : places.layers[static_cast<std::size_t>(t.layer)];
  if ((t.roles & role::embedding) || t.name == "position_embd" || t.name == "token_types" || t.name == "token_embd_norm") return main_memory;
  return t.name == "rope_freqs" && !places.layers.empty() ? places.layers[0] : places.output;
}

}  // namespace gpumem
