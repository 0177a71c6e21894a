#include "engines/llama_cpp_compute.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "engines/ggml/decoder_graph.hpp"
#include "engines/ggml/scheduler.hpp"

namespace gpumem {
namespace {

double padded(double cells) { return std::ceil(cells / 256) * 256; }

double unit_of(const Format& f) { return f.block_bytes / f.block_elements; }

/// Sequences' cells, the batch, and its rows, as llama.cpp completes them.
ggml::Setting complete(const Decoder& model, const ComputeRequest& r) {
  ggml::Setting s;
  const double whole = padded(r.context), each = r.shared_cells ? whole : padded(std::floor(whole / r.sequences));
  const double context = r.shared_cells ? whole : each * r.sequences;
  const double batch = std::min(context, r.batch), micro_batch = std::min(batch, r.micro_batch);
  const double tokens = std::min(context, micro_batch);
  s.outputs = std::min(tokens, r.outputs > 0 ? r.outputs : batch);
  s.tokens = std::ceil(tokens / r.sequences) * r.sequences;
  s.sequences = r.sequences;
  s.streams = r.shared_cells ? 1 : r.sequences;
  s.cells = each;
  s.flash = r.flash;
  s.key_unit = unit_of(*r.keys);
  s.value_unit = unit_of(*r.values);
  s.matrix_unit = r.matrix_bytes;
  s.expert_unit = r.expert_bytes;
  const auto windowed = [](const DecoderLayer& l) { return l.attention.window > 0; };
  const auto first = std::find_if(model.layers.begin(), model.layers.end(), windowed);
  if (first != model.layers.end() && !std::all_of(model.layers.begin(), model.layers.end(), windowed)) {
    const double room = first->attention.window * (r.shared_cells ? r.sequences : 1) + micro_batch;
    s.window_cells = r.full_windows ? each : padded(std::min(each, room));
  }
  return s;
}

/// Of many equal layers on one device the first and the last ones. Between them results change places in turns of two,
/// three or four layers, so that only multiples of twelve can be left out.
std::vector<char> equal_layers(std::size_t layers, const std::function<bool(std::size_t, std::size_t)>& equal) {
  constexpr std::size_t at_each_end = 4, turn = 12;
  std::vector<char> skipped(layers, 0);
  for (std::size_t first = 0, end = 0; first < layers; first = end) {
    for (end = first + 1; end < layers && equal(first, end);) ++end;
    if (end - first <= 2 * at_each_end) continue;
    const std::size_t inner = end - first - 2 * at_each_end, left_out = inner - inner % turn;
    std::fill_n(skipped.begin() + static_cast<std::ptrdiff_t>(first + at_each_end), left_out, 1);
  }
  return skipped;
}

template <class Build>
std::vector<Bytes> buffers(const Decoder& model, const std::vector<HybridBlock>* blocks, const ComputeRequest& r, Build build) {
  ggml::Setting s = complete(model, r);
  ggml::Backends backends;
  backends.gpus = static_cast<int>(r.gpus);
  backends.carries = r.carries;
  const auto home = [&](int place) { return static_cast<signed char>(place < 0 ? backends.processor() : place); };
  s.processor = home(-1);
  s.head_home = home(r.output_place);
  s.cache_on_processor = r.cache_on_host;
  s.expert_layers_on_processor = r.expert_layers_on_host;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    s.layer_homes.push_back(home(r.layer_places.empty() ? 0 : r.layer_places[i]));
  }
  const bool all_on_gpus = std::find(s.layer_homes.begin(), s.layer_homes.end(), s.processor) == s.layer_homes.end();
  if (r.gpus > 1 && all_on_gpus && !r.cache_on_host && r.expert_layers_on_host == 0) backends.copies = 4;   // GGML_SCHED_MAX_COPIES
  s.skipped = equal_layers(model.layers.size(), [&](std::size_t a, std::size_t b) {
    return s.layer_homes[a] == s.layer_homes[b] && model.layers[a] == model.layers[b] && (!blocks || (*blocks)[a] == (*blocks)[b]) &&
           (static_cast<double>(a) < r.expert_layers_on_host) == (static_cast<double>(b) < r.expert_layers_on_host);
  });
  // Each layer with an indexer has a blank of its own from the start: none can be left out.
  if (blocks && (*blocks)[0].indexer) s.skipped.assign(model.layers.size(), 0);
  ggml::Graph graph = build(s);
  const ggml::Plan plan = ggml::split(graph, backends);
  std::vector<Bytes> sizes;
  for (const double size : ggml::buffer_sizes(graph, plan, backends.count())) sizes.push_back(bytes(size));
  return sizes;
}

}  // namespace

std::vector<Bytes> llama_cpp_compute_buffers(const Decoder& model, const ComputeRequest& r) {
  return buffers(model, nullptr, r, [&](const ggml::Setting& s) { return decoder_graph(model, s); });
}

std::vector<Bytes> llama_cpp_compute_buffers(const HybridModel& model, const ComputeRequest& r) {
  return buffers(model.decoder, &model.blocks, r, [&](const ggml::Setting& s) { return hybrid_graph(model, s); });
}

}  // namespace gpumem
