#pragma once
#include "layers/model.hpp"
#include "training/step.hpp"

namespace gpumem {

/// Trained rows take the place of tokens in front of every sequence. `held` keeps what the wrapper around the model holds
/// until it returns: the rows, and them with the tokens' embeddings.
/// Source: [peft] peft_model.py PeftModelForCausalLM.forward
void put_prompt_in_front(ModelRun& run, const TrainingPlan& plan, std::vector<Value>& held);

/// Labels of the sequences, and of them with as many that count for nothing in front.
Value labels_behind_prompt(Machine& m, const TrainingPlan& plan, const Value& labels, std::vector<Value>& held);

}  // namespace gpumem
