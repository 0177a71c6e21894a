// A model whose weights are known one by one, and whose program is not.

#include <algorithm>
#include <span>

#include "architectures/cache_rows.hpp"
#include "estimate/answer.hpp"
#include "estimate/explain.hpp"
#include "estimate/quick.hpp"
#include "estimate/weights_of.hpp"
#include "machine/machine.hpp"
#include "training/optimizer.hpp"

namespace gpumem {
namespace {

constexpr std::size_t most_tensors_listed = 4000;

void add(Parts& parts, Component component, Bytes raw, double copies) {
  parts[component] += raw * copies;
  parts[Component::rounding] += (rounded_up(raw) - raw) * copies;
}

Document tensor_document(std::string_view name, Component component, const Shape& shape, const Format& format, double copies) {
  Document extents = Document::list();
  for (int i = 0; i < shape.rank; ++i) extents.push(shape[i]);
  return Document::record({{"name", name},
                           {"component", component_ids[static_cast<std::size_t>(component)]},
                           {"shape", std::move(extents)},
                           {"format", format.id},
                           {"bytes", stored_bytes(shape.count(), format) * copies},
                           {"copies", copies}});
}

/// The optimizer's states, as its rule makes them of each tensor; those of layers count as such.
Parts optimizer_states(const Scenario& s, const catalog::OptimizerRow& o, std::span<const HeldTensor> tensors) {
  std::vector<Parameter> parameters;
  for (const HeldTensor& t : tensors) {
    Parameter& p = parameters.emplace_back();
    p.name = t.name.c_str();
    p.shape = t.shape;
    p.format = s.weight_format();
    p.copies = t.copies;
    p.hidden = !t.by_layer.empty();
  }
  Machine m;
  add_optimizer_states(m, o, s.training.optimizer_step, parameters);
  Parts parts = m.memory.ledger.parts();
  parts[Component::optimizer_states] += m.managed;   // counted as if the driver left it there
  return parts;
}

/// Weights first, then what training keeps for each of them.
Document tensors_document(const Scenario& s, const CacheRows& cache, const StoredWeights& stored, const catalog::OptimizerRow* optimizer) {
  struct Row {
    double size;
    Document shown;
  };
  std::vector<Row> rows;
  const auto list_row = [&](std::string_view name, Component c, const Shape& shape, const Format& f, double copies) {
    if (copies > 0) rows.push_back({in(bytes, stored_bytes(shape.count(), f)) * copies, tensor_document(name, c, shape, f, copies)});
  };
  const Format& format = *s.weight_format();
  const bool training = s.task == Task::training;
  for (const Alive& a : stored.tensors) {
    list_row(a.layer < 0 ? std::string(a.label) : text_of({"layers.", number_text(a.layer), ".", a.label}), Component::weights, a.shape, *a.format, a.copies);
    if (rows.size() > most_tensors_listed) break;
  }
  for (const HeldTensor& t : s.inventory->tensors) {
    if (rows.size() > most_tensors_listed) break;
    if (s.plain()) list_row(t.name, Component::weights, t.shape, format, t.copies);
    if (training) list_row(t.name, Component::gradients, t.shape, format, t.copies);
    if (!optimizer) continue;
    const Bytes kept = optimizer_states(s, *optimizer, {&t, 1})[Component::optimizer_states];
    list_row(t.name, Component::optimizer_states, {in(bytes, kept) / t.copies}, *byte_flag, t.copies);
  }
  if (!training)
    for (const CacheRow& r : cache.rows) list_row(r.name, r.component(), r.shape(s.inference.context_tokens, s.inference.sequences), r.format(format), r.layers);
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.size > b.size; });
  Document list = Document::list();
  for (Row& row : rows) list.push(std::move(row.shown));
  return list;
}

void say_what_is_missing(Scenario& s, const CacheRows& cache, bool training) {
  std::string message = "The weights are exact, tensor by tensor; how this model runs is not known here, so activations";
  message += training ? ", logits and the step's temporaries are not counted." : cache.known ? " and logits are not counted." : ", logits and what is kept of past tokens are not counted.";
  s.assumptions.push_back({"activations-unknown", std::move(message)});
  if (!training && cache.known && !cache.rows.empty())
    s.assumptions.push_back({"cache-from-fields", "What is kept of past tokens is read off the configuration's fields."});
}

}  // namespace

Document answer_for_inventory(const Scenario& given) {
  Scenario s = given;
  const bool training = s.task == Task::training;
  const Format& format = *s.weight_format();
  const auto* optimizer = training ? find_optimizer(s.training.optimizer) : nullptr;
  const CacheRows& cache = given.cache_rows;
  const double total = s.inventory->total();
  Parts parts;
  const bool plain = s.plain();
  const StoredWeights stored = plain ? StoredWeights() : weights_of(s);
  for (const Alive& a : stored.tensors) {
    parts[Component::weights] += a.raw() * a.copies;
    parts[Component::rounding] += (a.rounded() - a.raw()) * a.copies;
  }
  Bytes weights = stored.file;
  for (const HeldTensor& t : s.inventory->tensors) {
    const Bytes raw = stored_bytes(t.shape.count(), format);
    if (plain) weights += raw * t.copies;
    if (plain) add(parts, Component::weights, raw, t.copies);
    if (training) add(parts, Component::gradients, raw, t.copies);
  }
  if (optimizer) {
    const Parts states = optimizer_states(s, *optimizer, s.inventory->tensors);
    for (std::size_t c = 0; c < component_count; ++c) parts.of[c] += states.of[c];
  }
  const double sequences = s.inference.sequences;
  Bytes per_token, kept;
  for (const CacheRow& r : cache.rows) {
    per_token += stored_bytes(elements(r.per_token), r.format(format)) * r.layers;
    const Bytes raw = stored_bytes(r.shape(s.inference.context_tokens, sequences).count(), r.format(format));
    kept += raw * r.layers;
    if (!training) add(parts, r.component(), raw, r.layers);
  }
  say_what_is_missing(s, cache, training);
  Document device = device_document(s, parts, training ? "optimizer-step" : "decode");
  if (s.detail == Detail::tensors) device.append("tensors", tensors_document(s, cache, stored, optimizer));
  Document devices = Document::list();
  devices.push(std::move(device));
  Document answer = Document::record(
      {{"ok", true},
       {"scenario", completed(s)},
       {"parameters", Document::record({{"total", total}, {"active", s.inventory->active()}, {"trainable", training ? total : 0}})},
       {"devices", std::move(devices)},
       {"modelFile", Document::record({{"tensorBytes", weights}, {"bitsPerWeight", in(bytes, weights) * 8 / total}})}});
  if (cache.known)
    answer.append("kvCache", Document::record({{"bytesPerToken", per_token},
                                               {"bytesPerSequence", training ? Bytes() : kept * (1 / sequences)},
                                               {"bytes", training ? Bytes() : kept}}));
  answer.append("quickEstimate", quick_estimate(s, total));
  if (s.detail != Detail::summary) answer.append("explanations", explanations_for_count(s, total));
  answer.append("assumptions", assumptions_document(s));
  return answer;
}

}  // namespace gpumem
