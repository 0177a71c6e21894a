#pragma once
// Heads that draft from what the large model's layers made of a token: few layers of their own, a token table that is the
// large model's.

#include <optional>

#include "architectures/fields.hpp"
#include "layers/decoder.hpp"
#include "machine/format.hpp"

namespace gpumem::vllm {

struct EagleHead {
  bool third = false;      ///< EAGLE 3: reads several layers' states, has a head of its own
  double states = 1;       ///< of the large model's layers it reads
  double state_width = 0;  ///< of each; 0: its own width
  double vocabulary = 0;   ///< of its own head; 0: that of its configuration
};

/// If the configuration's class is one.
std::optional<EagleHead> read_eagle_head(Fields& config);

/// What it has beside its layers on one GPU: a product that joins what it reads, which is whole on each; of the third kind
/// also the first layer's queries, keys and values of a second row, a norm, and where its tokens lie in the large vocabulary.
/// Source: [vllm] vllm/model_executor/models/llama_eagle.py, llama_eagle3.py
Bytes beside_eagle_layers(const EagleHead& head, const Decoder& of_rank, const Format& format);

/// Which states of the large model are held while its layers run.
Bytes states_for_eagle(const EagleHead& head, double tokens_at_once, double width, const Format& format);

}  // namespace gpumem::vllm
