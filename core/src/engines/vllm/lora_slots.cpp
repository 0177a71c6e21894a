#include "engines/vllm/lora_slots.hpp"

namespace gpumem::vllm {

Bytes lora_slots(const StoredTensors& tensors, double slots, double rank, const Format& format) {
  Bytes sum;
  for (const StoredTensor& t : tensors) {
    if (t.layer < 0 || t.shape.rank != 2) continue;   // norms and biases have one extent
    const double first = rank * t.shape[1], second = rank * t.shape[0];
    sum += (stored_bytes(elements(first * slots), format) + stored_bytes(elements(second * slots), format)) * t.copies;
  }
  return sum;
}

}  // namespace gpumem::vllm
