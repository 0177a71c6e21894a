// What a header has and the program of its configuration does not, and the other way round; in words.

#include <algorithm>
#include <map>
#include <set>

#include "estimate/scenario.hpp"
#include "estimate/weights_of.hpp"
#include "quantization/gguf_model.hpp"

namespace gpumem {
namespace {

constexpr std::size_t most_named = 4;

/// "model.layers.3.mlp.experts.7.up_proj.weight" → "mlp.experts": the module, and all experts of a layer as one.
std::string module_of(std::string_view name) {
  name = inside_layer(name);
  const std::size_t experts = name.find("experts");
  if (experts != std::string_view::npos) return std::string(name.substr(0, experts + 7));
  name = name.substr(0, std::min(name.rfind('.'), name.size()));
  for (const std::string_view before : {"model.", "language_model.", "transformer."})
    if (name.starts_with(before)) name.remove_prefix(before.size());
  return std::string(name);
}

struct Place {
  double elements = 0;
  std::set<std::string> modules;
};

/// A router's bias for the choice is a buffer in some models and a parameter in others: programs have it only as the latter.
bool either_way(std::string_view name) { return name.ends_with("e_score_correction_bias") || name.ends_with("expert_bias"); }

/// By layer; -1 for what stands outside of them.
std::map<int, Place> places(const StoredTensors& tensors) {
  std::map<int, Place> made;
  for (const StoredTensor& t : tensors) {
    if (either_way(t.name)) continue;
    Place& at = made[t.layer];
    at.elements += in(elements, t.shape.count()) * t.copies;
    at.modules.insert(module_of(t.name));
  }
  return made;
}

/// Modules of `these` that `those` lack, where a layer's numbers are not as many: names alone differ between versions. Packed
/// numbers cannot be counted so: then only whole layers are told apart.
std::string lacking(const std::map<int, Place>& these, const std::map<int, Place>& those, bool counted) {
  std::string list;
  std::size_t found = 0;
  const auto name = [&](const std::string& module) {
    if (++found <= most_named) add_word(list, module);
  };
  for (const auto& [layer, place] : these) {
    const auto other = those.find(layer);
    const std::string before = layer < 0 ? "" : "layer " + number_text(layer);
    if (other == those.end()) {
      name(layer < 0 ? "all outside of layers" : before);
      continue;
    }
    if (!counted || place.elements == other->second.elements) continue;
    for (const std::string& module : place.modules)
      if (!other->second.modules.contains(module)) name(layer < 0 ? module : before + " " + module);
  }
  if (found > most_named) list += " and " + number_text(static_cast<double>(found - most_named)) + " more";
  return list;
}

/// Buffers and a head that is the token table too: they lie in some files, and nothing is loaded from them.
StoredTensors loaded_of(const Scenario& s) {
  StoredTensors made;
  for (const StoredTensor& t : s.safetensors->tensors)
    if (!passed_over(t.name, s.model && s.model->tied)) made.push_back(t);
  return made;
}

void compare(Scenario& s) {
  const auto has = places(loaded_of(s)), needs = places(tensors_of(s));
  const bool counted = s.safetensors->unpacked();
  if (const std::string extra = lacking(has, needs, counted); !extra.empty())
    s.assumptions.push_back({"tensors-beyond-program", text_of({"The header has what the model of this configuration does not: ", extra, ". It is counted; an engine may pass over it."})});
  if (const std::string missing = lacking(needs, has, counted); !missing.empty())
    s.assumptions.push_back({"tensors-missing", text_of({"The model of this configuration needs what the header does not have: ", missing, ". Is a shard missing?"})});
}

}  // namespace

void complete_safetensors(Scenario& s) {
  const std::string& own = s.own_weights;
  s.as_stored = s.weights == own && s.task == Task::inference && s.engine == "transformers" && !s.encoder_model && !s.pipeline;
  if (!s.as_stored)
    s.assumptions.push_back({"weights-by-program", text_of({"The header's formats are not used for this task, engine or choice of weights: they are counted as ", s.weights, "."})});
  else
    s.assumptions.push_back({"weights-as-stored", text_of({"Weights are counted as the header has them, tensor by tensor; most are in ", s.safetensors->usual()->id, "."})});
  if (s.model || s.inventory) compare(s);
}

}  // namespace gpumem
