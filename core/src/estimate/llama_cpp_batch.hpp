#pragma once
// What a request says of llama.cpp's batches, which decide its compute buffers.

#include <vector>

#include "architectures/fields.hpp"
#include "gpumem/units.hpp"

namespace gpumem {

struct GgufFile;
struct LayerPlaces;
struct Scenario;

struct LlamaCppBatch {
  double batch = 2048, micro_batch = 0;     ///< n_batch, n_ubatch; 0: prefillTokens
  bool one_size = false;                    ///< n_batch is n_ubatch unless it is given, as Ollama starts it
  double outputs = 0;                       ///< n_outputs_max; 0: as many as n_batch
  bool flash = true, flash_given = false;   ///< flash_attn; not given: inference.attention
  bool carries = true;                      ///< op_offload
};

/// Options of the engine; those given are echoed.
void read_llama_cpp_batch(Fields& options, Scenario& scenario);

/// Compute buffers of the scenario's model on each GPU, then in main memory; empty where its graph is not known.
std::vector<Bytes> compute_buffers(const Scenario& scenario, const GgufFile& file, const LayerPlaces& places);

}  // namespace gpumem
