#include "quantization/stored_weights.hpp"

#include <algorithm>

#include "quantization/gguf_model.hpp"
#include "quantization/tensor_names.hpp"

namespace gpumem {
namespace {

class Collector {
 public:
  explicit Collector(StoredWeights& out) : out_(out) {}

  /// Adds a tensor; in the file only, if it does not go to the device.
  void add(std::string_view name, int layer, const Shape& shape, const Format* format, double copies, bool on_device) {
    const Alive made{Component::weights, layer, 0, kept(name), shape, format, copies};
    out_.file += made.raw() * copies;
    if (on_device) out_.tensors.push_back(made);
  }

 private:
  const char* kept(std::string_view name) {
    const auto known = std::find(out_.names.begin(), out_.names.end(), name);
    if (known != out_.names.end()) return known->c_str();
    return out_.names.emplace_back(name).c_str();
  }
  StoredWeights& out_;
};

/// Whether a name begins with these parts, where "*" stands for any one part.
bool begins_with_parts(std::string_view name, std::string_view parts) {
  for (;;) {
    const std::string_view part = name.substr(0, name.find('.')), wanted = parts.substr(0, parts.find('.'));
    if (wanted != "*" && part != wanted) return false;
    if (wanted.size() == parts.size()) return true;
    if (part.size() == name.size()) return false;
    name.remove_prefix(part.size() + 1);
    parts.remove_prefix(wanted.size() + 1);
  }
}

/// Lists name modules in full, with "*" for a number, or by their last parts; some write that as a pattern.
bool left_alone(const StoragePlan& plan, std::string_view name) {
  for (std::string_view parts : plan.left_alone) {
    for (const std::string_view before : {"re:", ".*", "model.", "language_model."})
      if (parts.starts_with(before)) parts.remove_prefix(before.size());
    for (std::size_t at = 0; !parts.empty();) {
      if (begins_with_parts(name.substr(at), parts)) return true;
      at = name.find('.', at);
      if (at++ == std::string_view::npos) break;
    }
  }
  return false;
}

void collect_modules(const StoredTensors& tensors, const StoragePlan& plan, Collector& to) {
  const bool experts = std::any_of(tensors.begin(), tensors.end(), [](const StoredTensor& t) { return t.name.find("experts.") != std::string::npos; });
  for (const StoredTensor& t : tensors) {
    const std::uint32_t roles = tensor_roles(t.name, t.shape);
    const Format* format = roles == 0 || left_alone(plan, t.name) ? nullptr : chosen_format(*plan.mix, roles, experts ? when::experts : 0);
    if (plan.packs_head && (roles & role::head) && !(roles & role::embedding)) format = base_format(*plan.mix);
    to.add(t.layer < 0 ? std::string_view(t.name) : inside_layer(t.name), t.layer, t.shape, format ? format : plan.compute, t.copies, true);
  }
}

void collect_file(const GgufFile& file, bool embedding_on_host, Collector& to) {
  const bool untied = !file.tied();
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    const GgufTensor& t = file.tensors[i];
    const bool host = embedding_on_host && untied && (t.roles & role::embedding);
    to.add(t.name.empty() ? "small tensors" : t.name, t.layer, t.shape, file.formats[i], 1, !host);
  }
}

}  // namespace

std::string_view inside_layer(std::string_view name) {
  for (std::size_t at = name.find('.'); at != std::string_view::npos; at = name.find('.', at + 1)) {
    const std::string_view rest = name.substr(at + 1);
    const std::string_view part = rest.substr(0, rest.find('.'));
    if (part == "*" || (!part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos))
      return rest.substr(std::min(part.size() + 1, rest.size()));
  }
  return name;
}

bool passed_over(std::string_view name, bool tied) {
  return name.ends_with("rotary_emb.inv_freq") || (tied && name.ends_with("lm_head.weight"));
}

StoredWeights weights_as_stored(const StoredTensors& tensors, const std::vector<const Format*>& formats, bool tied) {
  StoredWeights out;
  Collector to(out);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const StoredTensor& t = tensors[i];
    to.add(t.layer < 0 ? std::string_view(t.name) : inside_layer(t.name), t.layer, t.shape, formats[i], t.copies, !passed_over(t.name, tied));
  }
  return out;
}

bool GgufFile::tied() const {
  return std::none_of(tensors.begin(), tensors.end(), [](const GgufTensor& t) { return (t.roles & role::head) != 0; });
}

GgufFile gguf_file(const StoredTensors& tensors, const StoragePlan& plan) {
  GgufFile file;
  if (plan.config) file.model = gguf_model(*plan.config);
  file.tensors = gguf_tensors(tensors, file.model);
  file.formats = gguf_types(file.tensors, file.model, *plan.mix, plan.making);
  return file;
}

StoredWeights stored_weights(const StoredTensors& tensors, const StoragePlan& plan) {
  StoredWeights out;
  Collector to(out);
  if (plan.mix->gguf)
    collect_file(gguf_file(tensors, plan), plan.embedding_on_host, to);
  else
    collect_modules(tensors, plan, to);
  return out;
}

}  // namespace gpumem
