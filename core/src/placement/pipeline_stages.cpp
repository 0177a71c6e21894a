#include "placement/pipeline_stages.hpp"

#include "quantization/mix.hpp"
#include "quantization/tensor_names.hpp"

namespace gpumem {

std::vector<int> layers_by_stage(int layers, int stages) {
  std::vector<int> made(static_cast<std::size_t>(stages), layers / stages);
  for (int left = layers % stages, i = 2; left > 0; --left, ++i) ++made[static_cast<std::size_t>(stages - i)];
  return made;
}

Decoder decoder_of_stage(Decoder m, int first, int count) {
  m.layers = std::vector<DecoderLayer>(m.layers.begin() + first, m.layers.begin() + first + count);
  return m;
}

void leave_out_of_stage(StoredTensors& tensors, bool keeps_table, bool keeps_end) {
  std::erase_if(tensors, [&](const StoredTensor& t) {
    if (t.layer >= 0) return false;
    return tensor_roles(t.name, t.shape) & (role::embedding | role::position) ? !keeps_table : !keeps_end;
  });
}

}  // namespace gpumem
