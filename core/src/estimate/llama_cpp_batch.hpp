#pragma once
// What a request says of llama.cpp's batches, which decide its compute buffers.

#include <vector>

#include "architectures/fields.hpp"
#include "machine/component.hpp"

namespace gpumem {

struct ComputeRequest;
struct Scenario;

struct LlamaCppBatch {
  double context = 0, slots = 0;            ///< n_ctx, n_parallel; 0: what the request's sequences need
  double batch = 2048, micro_batch = 0;     ///< n_batch, n_ubatch; 0: prefillTokens
  double outputs = 0;                       ///< n_outputs_max; 0: as many as n_batch
  bool flash = true, flash_given = false;   ///< flash_attn; not given: inference.attention
  bool carries = true;                      ///< op_offload
};

/// Options of the engine; those given are echoed.
void read_llama_cpp_batch(Fields& options, Scenario& scenario);

/// What the scenario asks for, all layers on one GPU.
ComputeRequest compute_request(const Scenario& scenario);

/// llama.cpp reserves its buffers once: a compute buffer in place of PyTorch's activations, logits and rounding.
void put_compute_buffer(Parts& parts, Bytes buffer);

}  // namespace gpumem
