#include "engines/llama_cpp.hpp"

#include <algorithm>

namespace gpumem {

void lay_out_llama_cpp_cache(const GenerationPlan& plan, const Decoder& model, KvCache& cache) {
  const double sharing = plan.shared_cells ? plan.sequences : 1;
  cache.step = 256 / sharing;
  cache.slack = plan.prefill_tokens / sharing;
  cache.windows = !plan.full_windows && std::any_of(model.layers.begin(), model.layers.end(), [](const DecoderLayer& l) { return l.attention.window == 0; });
}

}  // namespace gpumem
