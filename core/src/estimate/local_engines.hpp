#pragma once
// Engines of one user's machine whose weights and cache can be counted: mlx-lm, ExLlamaV2 and V3.

#include <string_view>

#include "architectures/fields.hpp"
#include "engines/exllama.hpp"
#include "engines/mlx.hpp"

namespace gpumem {

struct Scenario;

struct LocalEngine {
  MlxCache mlx;
  ExllamaCache exllama;
  double cache_tokens = 0;          ///< ExLlama: of all sequences
};

bool runs_locally(std::string_view engine);

/// The engine's own options.
void read_local_options(Fields& options, Scenario& scenario);

/// Once model, lengths and layout are known.
void complete_local(Fields& request, Scenario& scenario);

}  // namespace gpumem
