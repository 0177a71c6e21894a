#include "estimate/llama_cpp_batch.hpp"

#include <algorithm>

#include "architectures/common.hpp"
#include "architectures/graph_hybrids.hpp"
#include "engines/llama_cpp_compute.hpp"
#include "estimate/scenario.hpp"
#include "placement/layer_places.hpp"
#include "quantization/stored_weights.hpp"

namespace gpumem {

namespace {

/// Ollama starts llama.cpp's server: its num_ctx for each of its OLLAMA_NUM_PARALLEL slots, both batches of num_batch (512).
/// Source: [ollama-server] api/types.go DefaultOptions; llm/llama_server.go startLlamaServer, appendBatchArgs
void read_who_starts(Fields& options, Scenario& s) {
  if (!options.has("engine")) return;
  const std::string by = options.word({"engine"}, "llama.cpp", {"llama.cpp", "ollama"});
  s.engine_options.set("engine", by);
  if (by != "ollama") return;
  s.llama_cpp_batch.one_size = true;
  s.assumptions.push_back({"ollama", "Ollama starts llama.cpp's server, whose memory this is. Without num_ctx it takes 4096 tokens a sequence, 32,768 from 23 GiB of GPU memory in all and 262,144 from 47 GiB, never more than the model was made for; here it is contextTokens. It gives some families one sequence whatever OLLAMA_NUM_PARALLEL says, and where num_gpu is not given llama.cpp leaves in main memory what does not fit. Releases that run models in an engine of their own are not computed."});
}

}  // namespace

void read_llama_cpp_batch(Fields& options, Scenario& s) {
  LlamaCppBatch& l = s.llama_cpp_batch;
  const auto count = [&](const char* name, double& value, double low) {
    if (!options.has(name)) return;
    value = options.count({name}, value, low, most_tokens);
    s.engine_options.set(name, value);
  };
  read_who_starts(options, s);
  l.one_size = l.one_size && !options.has("n_batch");
  count("n_batch", l.batch, 1);
  count("n_ubatch", l.micro_batch, 1);
  count("n_outputs_max", l.outputs, 0);
  if (options.has("op_offload")) s.engine_options.set("op_offload", l.carries = options.flag({"op_offload"}, true));
  const Document* flash = options.value({"flash_attn"});
  if (!flash) return;
  l.flash_given = true;
  l.flash = flash->is(Document::Kind::boolean) ? flash->truth() : options.word({"flash_attn"}, "auto", {"on", "off", "auto"}) != "off";
  s.engine_options.set("flash_attn", *flash);
}

namespace {

double bytes_of_one(const Format& f) { return f.block_bytes / f.block_elements; }

/// Bytes of one weight in the largest matrix that is not on a GPU, of experts or of all else.
double bytes_of_largest(const GgufFile& file, const LayerPlaces& places, double expert_layers, bool experts) {
  double largest = 0, bytes_each = 2;
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    const GgufTensor& t = file.tensors[i];
    if (t.layer < 0 || t.shape.rank < 2 || place_of(t, places, expert_layers) != main_memory) continue;
    const double size = in(bytes, stored_bytes(t.shape, *file.formats[i]));
    if ((t.name.find("_exps") != std::string::npos) != experts || size <= largest) continue;
    largest = size;
    bytes_each = bytes_of_one(*file.formats[i]);
  }
  return bytes_each;
}

}  // namespace

std::vector<Bytes> compute_buffers(const Scenario& s, const GgufFile& file, const LayerPlaces& places) {
  const LlamaCppBatch& l = s.llama_cpp_batch;
  const LlamaCppOptions& o = s.llama_cpp;
  const InferenceScenario& i = s.inference;
  ComputeRequest r;
  r.sequences = o.slots > 0 ? o.slots : i.sequences;
  r.context = o.context > 0 ? o.context : i.context_tokens * r.sequences;
  r.micro_batch = l.micro_batch > 0 ? l.micro_batch : i.prefill_tokens;
  r.batch = l.one_size ? r.micro_batch : l.batch;
  r.outputs = l.outputs;
  r.shared_cells = i.shared_cells;
  r.full_windows = i.full_windows;
  r.flash = l.flash_given ? l.flash : i.attention != "eager";
  r.carries = l.carries;
  r.keys = s.cache_format();
  r.values = s.cached_values();
  r.gpus = o.gpus;
  r.layer_places = places.layers;
  if (s.model) r.layer_places.resize(s.model->layers.size(), places.output);
  r.output_place = places.output;
  r.cache_on_host = o.cache_on_host;
  r.expert_layers_on_host = o.experts_on_host ? static_cast<double>(places.layers.size()) : o.expert_layers_on_host;
  r.matrix_bytes = bytes_of_largest(file, places, r.expert_layers_on_host, false);
  r.expert_bytes = bytes_of_largest(file, places, r.expert_layers_on_host, true);
  if (s.model) return llama_cpp_compute_buffers(*s.model, r);
  std::vector<Issue> told;   // the fields were checked with the inventory
  Fields config(s.config, "model.config", told);
  const std::optional<HybridModel> hybrid = read_hybrid(config);
  if (!hybrid || !told.empty() || !s.inventory) return {};
  r.layer_places.resize(hybrid->decoder.layers.size(), places.output);
  return llama_cpp_compute_buffers(*hybrid, r);
}

}  // namespace gpumem
