#pragma once
// Mixtures of experts over several replicas that share them: attention lies on every replica, experts on all of their GPUs.

#include "layers/decoder.hpp"
#include "quantization/stored_weights.hpp"

namespace gpumem {

struct ExpertLayout {
  double tensor = 1, data = 1;   ///< GPUs of a replica; replicas
  bool whole = false;            ///< a GPU holds some experts whole, else a slice of each
  [[nodiscard]] double ranks() const { return tensor * data; }
};

/// One GPU's part of the model, all experts still in it where they are held whole.
Decoder decoder_of_replica(const Decoder& model, const ExpertLayout& layout);
/// Its tensors: those of `decoder_of_replica`, or of a model without a program, which are still whole.
StoredTensors tensors_of_replica(StoredTensors of_replica, const ExpertLayout& layout);
StoredTensors tensors_of_replica(const StoredTensors& whole, const ExpertLayout& layout, double kv_heads);

}  // namespace gpumem
