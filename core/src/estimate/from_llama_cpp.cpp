// llama.cpp allocates all it needs as it loads a model: weights, cache and states on the GPU of their layer or in main
// memory, each in one buffer, and on each device one more for the results of the largest batch.

#include <algorithm>
#include <optional>

#include "engines/llama_cpp_memory.hpp"
#include "estimate/answer.hpp"
#include "estimate/explain.hpp"
#include "estimate/quick.hpp"
#include "estimate/weights_of.hpp"
#include "placement/layer_places.hpp"

namespace gpumem {
namespace {

/// Tensors of one kind on one device.
struct Held {
  Component component;
  std::string_view name;
  Shape shape;
  const Format* format;
  Bytes each;
  double copies;
};

struct Holder {
  std::vector<Held> rows;
  void add(Component c, std::string_view name, const Shape& shape, const Format* format, bool on_gpu) {
    for (Held& row : rows)
      if (row.component == c && row.name == name && row.shape == shape && row.format == format) {
        ++row.copies;
        return;
      }
    rows.push_back({c, name, shape, format, bytes_in_buffer(shape, *format, on_gpu), 1});
  }
  [[nodiscard]] Parts parts() const {
    Parts made;
    for (const Held& row : rows) made[row.component] += row.each * row.copies;
    return made;
  }
};

/// Main memory, then the GPUs.
struct Holders {
  std::vector<Holder> all;
  Holder& at(int place) { return all[static_cast<std::size_t>(place + 1)]; }
};

std::vector<double> windows_of(const Decoder& model) {
  std::vector<double> windows;
  for (const DecoderLayer& l : model.layers) windows.push_back(l.attention.window);
  return windows;
}

CacheRoom room_for(const Scenario& s) {
  const LlamaCppOptions& l = s.llama_cpp;
  const InferenceScenario& i = s.inference;
  CacheRoom room;
  room.slots = l.slots > 0 ? l.slots : i.sequences;
  room.shared = i.shared_cells;
  room.tokens = l.context > 0 ? l.context : i.context_tokens * room.slots;
  room.transposed_values = i.attention == "eager";
  room.step = room.transposed_values && before_2026(s.engine_version) ? 32 : 256;
  room.batch = i.prefill_tokens;
  room.windows = !i.full_windows;
  room.states = 1 + l.rollback;
  room.keys = s.cache_format();
  room.values = s.cached_values();
  return room;
}

LayerSplit split_of(const Scenario& s, int layers) {
  const LlamaCppOptions& l = s.llama_cpp;
  LayerSplit split;
  split.output_last = before_2026(s.engine_version);
  split.gpu_layers = l.gpu_layers >= 0 ? l.gpu_layers : std::max(layers + 1 - l.host_layers, 0.0);
  split.shares = l.tensor_split;
  if (split.shares.empty()) split.shares.assign(static_cast<std::size_t>(l.gpus), 1);
  split.shares.resize(static_cast<std::size_t>(l.gpus));
  return split;
}

/// The token table lies in main memory; where it is the head too, a second time with the output.
void hold_weights(const Scenario& s, const GgufFile& file, const LayerPlaces& places, Holders& holders) {
  const double expert_layers = s.llama_cpp.experts_on_host ? static_cast<double>(places.layers.size()) : s.llama_cpp.expert_layers_on_host;
  const bool tied = file.tied() && !s.layer_fields.encoder;
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    const GgufTensor& t = file.tensors[i];
    const std::string_view name = t.name.empty() ? "small tensors" : t.name;
    const int place = place_of(t, places, expert_layers);
    holders.at(place).add(Component::weights, name, t.shape, file.formats[i], place != main_memory);
    if (tied && t.name == "token_embd" && places.output != main_memory)
      holders.at(places.output).add(Component::weights, name, t.shape, file.formats[i], true);
  }
}

Document held_document(const Holder& holder) {
  std::vector<std::pair<double, Document>> rows;
  for (const Held& row : holder.rows) {
    Document shape = Document::list();
    for (int i = 0; i < row.shape.rank; ++i) shape.push(row.shape[i]);
    rows.emplace_back(in(bytes, row.each) * row.copies,
                      Document::record({{"name", row.name}, {"component", component_ids[static_cast<std::size_t>(row.component)]}, {"shape", std::move(shape)},
                                        {"format", row.format->id}, {"bytes", row.each * row.copies}, {"copies", row.copies}}));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  Document list = Document::list();
  for (auto& row : rows) list.push(std::move(row.second));
  return list;
}

void say_what_is_missing(Scenario& s, bool buffers, bool cache) {
  if (buffers)
    return s.assumptions.push_back({"llama-cpp-buffers", "Weights, caches and compute buffers are those that llama.cpp reserves as it loads the model, as its own planner counts them for CUDA; memory pools that CUDA's kernels take later are not among them."});
  s.assumptions.push_back({"activations-unknown", cache ? "The file, its tensors and what is kept of past tokens are those of llama.cpp; its compute buffers are not counted."
                                                        : "The file and its tensors are those of llama.cpp; its compute buffers and what is kept of past tokens are not counted."});
}

/// The draft as an estimate of its own counts it: its weights once, a cache and a compute buffer for each of its contexts.
void hold_draft(const Scenario& draft, double contexts, Holders& holders) {
  const Document answer = answer_for_llama_cpp(draft);
  const Document* devices = answer.find("devices");
  for (const Document& device : devices->items()) {
    const int place = device.find("role")->text() == "host" ? main_memory : 0;
    const Document* components = device.find("components");
    for (std::size_t c = 0; c < component_count; ++c) {
      const Bytes each = bytes(components->items()[c].find("bytes")->number());
      const auto component = static_cast<Component>(c);
      const double copies = component == Component::weights ? 1 : contexts;
      const std::string_view name = component == Component::weights ? "draft weights" : component == Component::workspace ? "draft compute buffer" : "draft cache";
      if (each > Bytes()) holders.at(place).rows.push_back({component, name, Shape{in(bytes, each)}, find_format("int8"), each, copies});
    }
  }
}

}  // namespace

Document answer_for_llama_cpp(const Scenario& given) {
  Scenario s = given;
  const GgufFile file = s.gguf ? s.gguf->file : file_of(s);
  int layers = s.gguf ? static_cast<int>(s.gguf->layers.size()) : 0;
  for (const GgufTensor& t : file.tensors) layers = std::max(layers, t.layer + 1);
  const LayerPlaces places = place_layers(layers, split_of(s, layers));
  Holders holders;
  holders.all.resize(static_cast<std::size_t>(s.llama_cpp.gpus) + 1);
  hold_weights(s, file, places, holders);

  LayerFields fields = s.layer_fields;
  if (s.model) fields.windows = windows_of(*s.model);
  const std::vector<LayerMemory> kept = s.gguf ? s.gguf->layers : layer_memories(file, fields, layers);
  const bool keeps = fields.generates || before_2026(s.engine_version);   // an encoder had a cache then, too
  Bytes cache, per_token, in_file;
  bool known = !keeps;
  for (const CacheTensor& t : keeps ? cache_tensors(kept, room_for(s)) : std::vector<CacheTensor>()) {
    const int place = s.llama_cpp.cache_on_host ? main_memory : places.layers[static_cast<std::size_t>(t.layer)];
    holders.at(place).add(t.component, t.name, t.shape, t.format, place != main_memory);
    known = true;
    if (t.component != Component::kv_cache) continue;
    cache += bytes_in_buffer(t.shape, *t.format, place != main_memory);
    per_token += stored_bytes(elements(t.shape[-1]), *t.format);
  }
  for (std::size_t i = 0; i < file.tensors.size(); ++i) in_file += stored_bytes(file.tensors[i].shape, *file.formats[i]);

  if (file.tensors.empty()) s.assumptions.push_back({"weights-unknown", "The header lists no tensors: weights are not counted."});
  const std::vector<Bytes> buffers = compute_buffers(s, file, places);
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const int place = i + 1 == buffers.size() ? main_memory : static_cast<int>(i);
    holders.at(place).rows.push_back({Component::workspace, "compute buffer", Shape{in(bytes, buffers[i])}, find_format("int8"), buffers[i], 1});
  }
  if (s.draft) hold_draft(*s.draft, before_2026(s.engine_version) ? room_for(s).slots : 1, holders);
  say_what_is_missing(s, !buffers.empty(), known);

  std::optional<Run> run;
  if (s.model) run = run_scenario(s);
  std::vector<std::pair<Parts, std::size_t>> order;
  for (std::size_t i = 1; i < holders.all.size(); ++i) {
    order.emplace_back(holders.all[i].parts(), i);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first.sum() > b.first.sum(); });
  order.emplace_back(holders.all[0].parts(), 0);
  Document devices = Document::list();
  for (const auto& [parts, i] : order) {
    const std::string role = i == 0 ? "host" : s.llama_cpp.gpus > 1 ? text_of({"stage ", number_text(static_cast<double>(i - 1))}) : "gpu";
    Document device = device_document(s, parts, "load", role);
    if (s.detail == Detail::tensors) device.append("tensors", held_document(holders.all[i]));
    devices.push(std::move(device));
  }

  const double total = run ? run->total : s.inventory->total();
  Document answer = Document::record(
      {{"ok", true},
       {"scenario", completed(s)},
       {"parameters", Document::record({{"total", total}, {"active", run ? run->active : s.inventory->active()}, {"trainable", 0.0}})},
       {"devices", std::move(devices)},
       {"modelFile", Document::record({{"tensorBytes", in_file}, {"bitsPerWeight", total > 0 ? in(bytes, in_file) * 8 / total : 0.0}})}});
  if (known)
    answer.append("kvCache", Document::record({{"bytesPerToken", per_token}, {"bytesPerSequence", cache * (1 / s.inference.sequences)}, {"bytes", cache}}));
  answer.append("quickEstimate", quick_estimate(s, total));
  if (s.detail != Detail::summary) {
    if (run) {
      run->peak.parts = order[0].first;
      run->cache = cache;
    }
    answer.append("explanations", run ? explanations(s, *run) : explanations_for_count(s, total));
  }
  answer.append("assumptions", assumptions_document(s));
  return answer;
}

}  // namespace gpumem
