#include "estimate/answer.hpp"

#include <algorithm>
#include <tuple>

#include "estimate/explain.hpp"
#include "estimate/quick.hpp"
#include "estimate/timeline.hpp"

namespace gpumem {
namespace {

Document band_document(const Band& b) {
  return Document::record({{"low", b.low}, {"expected", b.expected}, {"high", b.high}});
}

/// Layers of an encoder and of its decoder are counted apart.
std::string place(const Scenario& s, int layer, int layers) {
  if (layer < 0) return "embedding";
  if (whole_engine && s.reader && layer > layers) return "images";
  if (layer >= layers) return "head";
  if (!whole_engine || s.model || !s.encoder_model->decoder) return "layer " + number_text(layer);
  const EncoderModel& m = *s.encoder_model;
  if (layer < m.encoder_end()) return "encoder layer " + number_text(layer);
  if (layer <= m.decoder_start()) return layer < m.decoder_start() ? "encoder norm" : "decoder embedding";
  return "decoder layer " + number_text(layer - m.decoder_start() - 1);
}

/// "layers.3.mlp.gate_proj"; identical layers that were not run go under the name of the one that stands for them.
std::string full_name(const Machine& m, const Alive& a, int layers) {
  std::string path = a.label;
  for (int s = a.scope; s > 0; s = m.scopes()[static_cast<std::size_t>(s)].outer)
    if (const char* name = m.scopes()[static_cast<std::size_t>(s)].name; path.rfind(std::string(name) + ".", 0) != 0 && path != name)
      path = std::string(name) + "." + path;
  if (a.layer < 0 || a.layer >= layers) return path;
  return (a.copies > 1 ? "layers.*." : "layers." + number_text(a.layer) + ".") + path;
}

/// Source: [transformers] models/deepseek_v3/modeling_deepseek_v3.py: of latent attention the latent and one rotary key
Elements cached_keys(const AttentionLayer& a) {
  return elements(a.latent ? a.latent->key_rank + a.latent->rotary_dim : a.kv_heads * a.head_dim);
}
Elements cached_values(const AttentionLayer& a) { return elements(a.latent ? 0 : a.kv_heads * a.head_dim); }

Document cache_document(const Scenario& s, const Run& run) {
  const bool inference = s.task == Task::inference;
  Elements keys, values;   // of one token
  if (s.has_cache())
    for (const DecoderLayer& l : s.layers()) {
      if (whole_engine && l.attention.keys == AttentionLayer::Keys::borrowed) continue;
      keys += cached_keys(l.attention);
      values += cached_values(l.attention);
    }
  const double sequences = inference ? s.inference.sequences : 1;
  const auto& packed = s.inference.packed_cache;
  if (whole_engine && packed)
    return Document::record({{"bytesPerToken", bytes(in(elements, keys + values) * packed->bytes_per_number(s.cache_format()))}, {"bytesPerSequence", run.cache * (1 / sequences)}, {"bytes", run.cache}});
  return Document::record({{"bytesPerToken", stored_bytes(keys, *s.cache_format()) + stored_bytes(values, *s.cached_values())},
                           {"bytesPerSequence", inference ? run.cache * (1 / sequences) : Bytes()},
                           {"bytes", inference ? run.cache : Bytes()}});
}

}  // namespace

Document timeline_document(const Scenario& s, const Run& run, int layers) {
  Document list = Document::list();
  for (const Stretch& stretch : whole_timeline(run)) {
    Document point = Document::record();
    point.append("phase", stretch.phase);
    point.append("at", stretch.phase == "optimizer-step" ? std::string("optimizer") : place(s, stretch.layer, layers));
    point.append("bytes", stretch.highest);
    point.append("components", parts_document(stretch.parts));
    list.push(std::move(point));
  }
  return list;
}

Document tensors_document(const Run& run, int layers) {
  struct Row {
    std::string name;
    const Alive* alive;
    double copies;
    [[nodiscard]] double size() const { return in(bytes, alive->raw()) * copies; }
  };
  std::vector<Row> rows;
  for (const Alive& a : run.machine->memory.snapshot()) rows.push_back({full_name(*run.machine, a, layers), &a, a.copies});
  const auto order = [](const Row& a, const Row& b) {
    const auto key = [](const Row& r) {
      return std::tuple(r.alive->component, std::string_view(r.name), r.alive->format->id, r.alive->shape.rank, r.alive->shape.extent);
    };
    return key(a) < key(b);
  };
  std::sort(rows.begin(), rows.end(), order);
  std::size_t kept = 0;   // rows that are alike become one
  for (std::size_t i = 1; i < rows.size(); ++i)
    if (order(rows[kept], rows[i]))
      std::swap(rows[++kept], rows[i]);
    else
      rows[kept].copies += rows[i].copies;
  if (!rows.empty()) rows.resize(kept + 1);
  std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) { return a.size() != b.size() ? a.size() > b.size() : order(a, b); });
  Document list = Document::list();
  for (const Row& row : rows) {
    Document shape = Document::list();
    for (int i = 0; i < row.alive->shape.rank; ++i) shape.push(row.alive->shape[i]);
    Document tensor = Document::record();
    tensor.append("name", row.name);
    tensor.append("component", component_ids[static_cast<std::size_t>(row.alive->component)]);
    tensor.append("shape", std::move(shape));
    tensor.append("format", row.alive->format->id);
    tensor.append("bytes", row.size());
    tensor.append("copies", row.copies);
    list.push(std::move(tensor));
  }
  return list;
}

Document parts_document(const Parts& parts) {
  Document record = Document::record();
  for (std::size_t c = 0; c < component_count; ++c) record.append(component_ids[c], parts.of[c]);
  return record;
}

Document assumptions_document(const Scenario& s) {
  Document list = Document::list();
  for (const Assumption& a : s.assumptions) list.push(Document::record({{"id", a.id}, {"message", a.message}}));
  return list;
}

Document device_document(const Scenario& s, const Parts& parts, std::string_view peak_phase, std::string_view role, Bytes taken) {
  const bool host = role == "host";
  const Band nothing_else = {parts.sum(), parts.sum(), parts.sum()};
  const DeviceBands bands = host ? DeviceBands{nothing_else, nothing_else} : bands_around(parts, s, taken);
  Document components = Document::list();
  for (std::size_t c = 0; c < component_count; ++c)
    components.push(Document::record({{"id", component_ids[c]}, {"bytes", parts.of[c]}}));
  Document overheads = Document::list();
  for (const Overhead& o : bands.overheads) {
    Document row = band_document(o.band);
    row.append("id", o.id);
    row.append("source", o.source);
    overheads.push(std::move(row));
  }
  Document device = Document::record({{"role", role},
                                      {"count", 1},
                                      {"components", std::move(components)},
                                      {"allocatedBytes", parts.sum()},
                                      {"reservedBytes", band_document(bands.reserved)},
                                      {"processBytes", band_document(bands.process)},
                                      {"overheads", std::move(overheads)},
                                      {"peakPhase", peak_phase}});
  if (s.device && !host) {
    const Bytes usable = usable_memory(*s.device);
    device.append("usableBytes", usable);
    device.append("fits", bands.process.expected <= usable);
    device.append("headroomBytes", usable - bands.process.expected);
  }
  return device;
}

Document answer_for(const Scenario& s, const Run& run) {
  const int layers = !whole_engine || s.model ? static_cast<int>(s.model->layers.size()) : s.encoder_model->end();
  Document device = device_document(s, run.peak.parts, run.peak.phase, "gpu", run.reserved);
  device.set("count", s.layout.ranks());
  if (s.detail == Detail::tensors) device.append("tensors", tensors_document(run, layers));
  Document devices = Document::list();
  devices.push(std::move(device));
  if (whole_engine && run.host.sum() > Bytes()) {
    Document host = device_document(s, run.host, "optimizer-step", "host", {});
    host.set("count", s.layout.ranks());   // one process a GPU
    devices.push(std::move(host));
  }
  Document answer = Document::record(
      {{"ok", true},
       {"scenario", completed(s)},
       {"parameters", Document::record({{"total", run.total}, {"active", run.active}, {"trainable", run.trainable}})},
       {"devices", std::move(devices)},
       {"modelFile", Document::record({{"tensorBytes", run.file}, {"bitsPerWeight", in(bytes, run.file) * 8 / run.total}})},
       {"kvCache", cache_document(s, run)}});
  if (s.detail != Detail::summary) answer.append("timeline", timeline_document(s, run, layers));
  answer.append("quickEstimate", quick_estimate(s, run.total, run.trainable));
  if (s.detail != Detail::summary) answer.append("explanations", explanations(s, run));
  answer.append("assumptions", assumptions_document(s));
  return answer;
}

}  // namespace gpumem
