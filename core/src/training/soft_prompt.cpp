#include "training/soft_prompt.hpp"

namespace gpumem {

void put_prompt_in_front(ModelRun& run, const TrainingPlan& plan, std::vector<Value>& held) {
  run.on_embeddings = [&plan, &held](Machine& m, Value embedded) {
    const double rows = plan.virtual_tokens, width = embedded->shape[2];
    const Value table = m.parameter("prompt_embeddings.weight", {rows, width}, plan.adaptation->format, true);
    Value numbers = m.allocate({embedded->shape[0], rows}, int64, "numbers of the prompt");
    Value prompt = m.cast(m.embedding(numbers, table, "prompt"), embedded->format);
    held.push_back(prompt);
    held.push_back(m.prepend(prompt, std::move(embedded), "prompt and tokens"));
    return held.back();
  };
}

Value labels_behind_prompt(Machine& m, const TrainingPlan& plan, const Value& labels, std::vector<Value>& held) {
  if (plan.virtual_tokens == 0) return labels;
  const double sequences = labels->shape[0];
  held.push_back(m.allocate({sequences, plan.virtual_tokens}, int64, "labels of the prompt"));
  held.push_back(m.allocate({sequences, labels->shape[1] + plan.virtual_tokens}, int64, "labels behind the prompt"));
  return held.back();
}

}  // namespace gpumem
