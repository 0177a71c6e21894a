#include "engines/llama_cpp_memory.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace gpumem {
namespace {

/// Model types whose windows llama.cpp passes over: their conversion writes none.
/// Source: [llama-cpp-conversion] conversion/qwen.py, conversion/llama.py, conversion/mistral.py
constexpr std::string_view without_windows[] = {"llama", "mistral", "ministral", "ministral3", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe"};

double padded(double count, double step) { return std::ceil(count / step) * step; }

/// What the tensors of one layer tell.
struct Seen {
  double keys = 0, values = 0, joint = 0, latent = 0, index = 0;   // rows
  double convolution = 0, kernel = 0;                              // rows, width
  double state_columns = 0, output_columns = 0;
};

void look_at(const GgufTensor& t, Seen& s) {
  const std::string_view n = t.name;
  const bool matrix = t.shape.rank > 1;
  if (!matrix) return;
  if (n == "attn_k") s.keys = t.shape[-2];
  else if (n == "attn_v") s.values = t.shape[-2];
  else if (n == "attn_qkv") s.joint = t.shape[-2];
  else if (n == "attn_kv_a_mqa") s.latent = t.shape[-2];
  else if (n == "indexer.attn_k") s.index = t.shape[-2];
  else if (n == "ssm_out") s.state_columns = t.shape[-1];
  else if (n == "attn_output") s.output_columns = t.shape[-1];
  else if (n == "ssm_conv1d" || n == "shortconv.conv") {
    s.convolution = t.shape[0];
    s.kernel = t.shape[-1];
  }
}

/// A joint projection holds queries, keys and values.
double joint_keys(double rows, const GgufModel& m) {
  return m.kv_heads > 0 ? rows / (m.heads + 2 * m.kv_heads) * m.kv_heads : 0;
}

LayerMemory memory_of(const Seen& s, const GgufModel& m, double state_width) {
  LayerMemory made;
  const bool linear = s.convolution > 0 && s.state_columns + s.output_columns > 0;
  const bool attends = s.convolution == 0 || (s.state_columns > 0 && s.output_columns > 0);
  if (attends && s.latent > 0) made.keys = s.latent;
  else if (attends) {
    made.keys = s.keys > 0 ? s.keys : joint_keys(s.joint, m);
    made.values = s.values > 0 ? s.values : made.keys;
  }
  if (attends) made.index_keys = s.index;
  made.inputs = s.convolution * std::max(s.kernel - 1, 0.0);
  if (linear) made.state = (s.state_columns > 0 ? s.state_columns : s.output_columns) * state_width;
  return made;
}

}  // namespace

Bytes bytes_in_buffer(const Shape& shape, const Format& format, bool on_gpu) {
  Bytes raw = stored_bytes(shape, format);
  if (!on_gpu) return raw.rounded_up_to(bytes(32));
  const double beyond = std::fmod(shape.rank > 0 ? shape[-1] : 0, 512);
  if (format.block_elements > 1 && beyond > 0) raw += stored_bytes(elements(512 - beyond), format);
  return raw.rounded_up_to(bytes(128));
}

std::vector<LayerMemory> layer_memories(const GgufFile& file, const LayerFields& fields, int layers) {
  std::vector<Seen> seen(static_cast<std::size_t>(layers));
  for (const GgufTensor& t : file.tensors)
    if (t.layer >= 0 && t.layer < layers) look_at(t, seen[static_cast<std::size_t>(t.layer)]);
  const bool windows = std::find(std::begin(without_windows), std::end(without_windows), file.model.type) == std::end(without_windows);
  std::vector<LayerMemory> made;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    made.push_back(memory_of(seen[i], file.model, fields.state));
    if (windows && i < fields.windows.size()) made.back().window = fields.windows[i];
  }
  return made;
}

double CacheRoom::cells(double window) const {
  const double all = padded(tokens, step);
  const double each = shared ? all : padded(std::floor(all / slots), step);
  const double kept = windows && window > 0 ? padded(std::min(each, window * (shared ? slots : 1) + batch), step) : each;
  return kept * (shared ? 1 : slots);
}

std::vector<CacheTensor> cache_tensors(const std::vector<LayerMemory>& layers, const CacheRoom& given) {
  CacheRoom room = given;
  double widest = 0;
  bool looks_at_all = false;   // windows save something only where they are not the rule
  for (const LayerMemory& l : layers) {
    widest = std::max(widest, l.values);
    looks_at_all = looks_at_all || (l.keys > 0 && l.window == 0);
  }
  room.windows = room.windows && looks_at_all;
  std::vector<CacheTensor> made;
  const auto add = [&](const char* name, Component c, std::size_t layer, double rows, double width, const Format* format) {
    if (rows * width > 0) made.push_back({name, c, static_cast<int>(layer), {rows, width}, format});
  };
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LayerMemory& l = layers[i];
    const double cells = room.cells(l.window);
    add("keys", Component::kv_cache, i, cells, l.keys, room.keys);
    add("values", Component::kv_cache, i, cells, l.values > 0 && room.transposed_values ? widest : l.values, room.values);
    add("indexer's keys", Component::kv_cache, i, cells, l.index_keys, room.keys);
    add("last inputs", Component::recurrent_state, i, room.slots * room.states, l.inputs, fp32);
    add("state", Component::recurrent_state, i, room.slots * room.states, l.state, fp32);
  }
  return made;
}

}  // namespace gpumem
