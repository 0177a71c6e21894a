// A model of which only the number of parameters is known.

#include "estimate/answer.hpp"
#include "estimate/explain.hpp"
#include "estimate/quick.hpp"
#include "training/optimizer.hpp"

namespace gpumem {

Document answer_for_count(const Scenario& given) {
  Scenario s = given;
  const double total = *s.parameters;
  const bool training = s.task == Task::training;
  const Format* format = base_format(*s.mix) ? base_format(*s.mix) : s.weight_format();
  const Bytes weights = stored_bytes_of_any(elements(total), *format);
  Parts parts;
  parts[Component::weights] = weights;
  if (training) {
    parts[Component::gradients] = weights;
    const auto* optimizer = find_optimizer(s.training.optimizer);
    const std::optional<Bytes> states = states_of_count(*optimizer, total, *format);
    parts[Component::optimizer_states] = states.value_or(Bytes());
    if (!states)
      s.assumptions.push_back({"states-unknown", text_of({"What ", optimizer->name, " keeps depends on the shapes of the tensors, which a count does not tell: its states are missing."})});
    s.assumptions.push_back({"weights-only", "Only a parameter count is known: activations, logits and the step's temporaries are missing. Give a config.json for them."});
  } else {
    s.assumptions.push_back({"weights-only", "Only a parameter count is known: the KV cache, activations and logits are missing. Give a config.json for them."});
  }
  Document devices = Document::list();
  devices.push(device_document(s, parts, training ? "optimizer-step" : "load"));
  Document answer = Document::record(
      {{"ok", true},
       {"scenario", completed(s)},
       {"parameters", Document::record({{"total", total}, {"active", total}, {"trainable", training ? total : 0}})},
       {"devices", std::move(devices)},
       {"modelFile", Document::record({{"tensorBytes", weights}, {"bitsPerWeight", in(bytes, weights) * 8 / total}})},
       {"quickEstimate", quick_estimate(s, total)}});
  if (s.detail != Detail::summary) answer.append("explanations", explanations_for_count(s, total));
  answer.append("assumptions", assumptions_document(s));
  return answer;
}

}  // namespace gpumem
