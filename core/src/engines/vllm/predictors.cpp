#include "engines/vllm/predictors.hpp"

namespace gpumem::vllm {

Decoder with_predictors(Decoder m, double count) {
  if (count == 0 || m.layers.empty()) return m;
  for (double i = 0; i < count; ++i) m.layers.push_back(m.layers.back());
  constexpr double norms = 3;   // of the embedding, of the hidden state, and before the head
  m.beside.push_back({"predictor.eh_proj.weight", {m.hidden, 2 * m.hidden}, count});
  m.beside.push_back({"predictor.norm.weight", {m.hidden}, norms * count});
  return m;
}

}  // namespace gpumem::vllm
