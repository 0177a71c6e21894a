#include "engines/gguf_header.hpp"

#include <algorithm>
#include <cmath>

#include "architectures/common.hpp"
#include "quantization/gguf_model.hpp"
#include "quantization/mix.hpp"
#include "quantization/tensor_names.hpp"

namespace gpumem {
namespace {

constexpr std::size_t most_tensors = 100000;

/// Values under "ARCHITECTURE.", one for all layers or a list with one for each.
class Metadata {
 public:
  explicit Metadata(const Document* record) : record_(record) {
    if (const Document* name = record ? record->find("general.architecture") : nullptr) architecture_ = name->text();
  }
  [[nodiscard]] const Document* find(std::string_view key) const { return record_ ? record_->find(architecture_ + "." + std::string(key)) : nullptr; }
  [[nodiscard]] double at(std::string_view key, std::size_t layer, double absent = 0) const {
    const Document* v = find(key);
    if (v && v->is(Document::Kind::list)) v = layer < v->items().size() ? &v->items()[layer] : nullptr;
    const bool sound = v && (v->is(Document::Kind::number) || v->is(Document::Kind::boolean)) && v->number() >= 0 && v->number() <= most_vocabulary;
    return sound ? v->number() : absent;
  }

 private:
  const Document* record_;
  std::string architecture_;
};

/// Every layer, every period's layers but the last, or those of a list look back a window only.
bool windowed(const Metadata& m, std::size_t layer) {
  const Document* pattern = m.find("attention.sliding_window_pattern");
  if (!pattern) return true;
  if (pattern->is(Document::Kind::list)) return m.at("attention.sliding_window_pattern", layer) > 0;
  const double period = pattern->number();
  return period >= 1 && period <= most_layers && layer % static_cast<std::size_t>(period) < static_cast<std::size_t>(period) - 1;
}

/// Whether layers that only feed forward stand between others: then each layer has a width of its own, some none.
bool feeds_apart(const Metadata& m) {
  const Document* widths = m.find("feed_forward_length");
  return widths && widths->is(Document::Kind::list) &&
         std::any_of(widths->items().begin(), widths->items().end(), [](const Document& w) { return w.number() == 0; });
}

/// A model with states has them in layers without heads of keys where those are said layer by layer; but for the last of
/// so many where an interval is said; else beside attention in every layer.
LayerMemory layer_memory(const Metadata& m, std::size_t i) {
  LayerMemory made;
  const double window = m.at("attention.sliding_window", i);
  if (window > 0 && windowed(m, i)) made.window = window;
  const std::string suffix = made.window > 0 && m.find("attention.key_length_swa") ? "_swa" : "";
  const double heads = m.at("attention.head_count", i), usual = heads > 0 ? m.at("embedding_length", i) / heads : 0;
  const double inner = m.at("ssm.inner_size", i), short_inputs = m.at("shortconv.l_cache", i), interval = m.at("full_attention_interval", i);
  const bool has_states = inner > 0 || short_inputs > 0;
  const bool passed_over = interval >= 1 && std::fmod(static_cast<double>(i) + 1, interval) != 0;
  const double keys = passed_over ? 0 : m.at("attention.head_count_kv", i, has_states ? 0 : heads);
  made.keys = keys * m.at("attention.key_length" + suffix, i, usual);
  made.values = m.find("attention.key_length_mla") ? 0 : keys * m.at("attention.value_length" + suffix, i, usual);
  made.index_keys = keys > 0 ? m.at("attention.indexer.key_length", i) : 0;
  const Document* said = m.find("attention.head_count_kv");
  const bool by_layer = said && said->is(Document::Kind::list);
  const bool feeds = by_layer && feeds_apart(m) && m.at("feed_forward_length", i) > 0;
  if (!has_states || (by_layer && (keys > 0 || feeds)) || (interval >= 1 && !passed_over)) return made;
  const double state = m.at("ssm.state_size", i);
  const double channels = short_inputs > 0 ? m.at("embedding_length", i) : inner + 2 * m.at("ssm.group_count", i) * state;
  made.inputs = std::max((short_inputs > 0 ? short_inputs : m.at("ssm.conv_kernel", i)) - 1, 0.0) * channels;
  made.state = state * inner;
  return made;
}

const Format* format_named(std::string_view type) {
  if (type == "F32") return fp32;
  if (type == "F16") return fp16;
  if (type == "BF16") return bf16;
  return find_format(type);
}

/// "blk.3.attn_k.weight" → layer 3, "attn_k".
std::string_view plain_name(std::string_view name) {
  if (name.starts_with("blk.")) name.remove_prefix(std::min(name.size(), name.find('.', 4) + 1));
  return name.ends_with(".weight") ? name.substr(0, name.size() - 7) : name;
}

bool read_tensor(const Document& row, GgufFile& file, Inventory& inventory) {
  const Document *name = row.find("name"), *type = row.find("type"), *shape = row.find("shape");
  const Format* format = type ? format_named(type->text()) : nullptr;
  if (!name || !format || !shape || shape->items().empty() || shape->items().size() > 4) return false;
  GgufTensor made;
  made.layer = name->text().starts_with("blk.") ? layer_in(name->text()) : -1;
  made.name = plain_name(name->text());
  made.roles = made.name.ends_with(".bias") ? 0 : gguf_roles(made.name);
  made.expert = made.name.find("_exps") != std::string_view::npos;
  made.shape.rank = static_cast<int>(shape->items().size());
  for (int i = 0; i < made.shape.rank; ++i) {
    made.shape[-1 - i] = shape->items()[static_cast<std::size_t>(i)].number();
    if (!(made.shape[-1 - i] >= 1 && made.shape[-1 - i] <= 1e9)) return false;
  }
  if (made.layer >= most_layers) return false;
  file.tensors.push_back(made);
  file.formats.push_back(format);
  HeldTensor held;
  held.name = name->text();
  held.shape = made.shape;
  inventory.tensors.push_back(std::move(held));
  return true;
}

}  // namespace

GgufHeader read_gguf_header(Fields& gguf, Inventory& inventory) {
  GgufHeader made;
  const Document* given = gguf.value({"metadata"});
  const Document* tensors = gguf.value({"tensors"});
  gguf.refuse_unknown();
  const Metadata m(given && given->is(Document::Kind::record) ? given : nullptr);
  const double layers = m.at("block_count", 0);
  if (layers < 1 || layers > most_layers) {
    gguf.report("metadata", "missing", "must name general.architecture and that architecture's block_count");
    return made;
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(layers); ++i) made.layers.push_back(layer_memory(m, i));
  if (tensors && (!tensors->is(Document::Kind::list) || tensors->items().size() > most_tensors)) {
    gguf.report("tensors", "wrong-type", "must be a list of tensors");
    return made;
  }
  if (tensors)
    for (const Document& row : tensors->items())
      if (!read_tensor(row, made.file, inventory)) {
        gguf.report("tensors", "wrong-type", "must be records of a name, one of ggml's types such as Q4_K or F32, and one to four extents");
        return made;
      }
  return made;
}

}  // namespace gpumem
