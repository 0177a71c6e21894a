#include "training/seen_images.hpp"

namespace gpumem {

/// Source: [transformers] models/llava/modeling_llava.py LlavaModel.forward: tokens first, then the tower
void show_images(ModelRun& run, const TrainingPlan& plan, const Value& pixels, SeenImages& seen, std::vector<Value>& placed) {
  run.on_embeddings = [&run, &plan, &pixels, &seen, &placed](Machine& m, Value embedded) {
    const std::size_t next = m.parameters.position(-1);
    const int place = run.end_layer() + 1;
    if (!m.declaring) m.memory.ledger.enter("forward", place);
    seen = read_images(m, *plan.reader, plan.images, pixels, plan.kernel, place);
    m.begin_layer(-1);
    m.parameters.position(-1) = next;
    if (!m.declaring) m.memory.ledger.enter("forward", -1);
    return place_images(m, *plan.reader, seen.rows, std::move(embedded), placed);
  };
}

void forget_unread(Machine& m, const SeenImages& seen) {
  for (std::size_t i = seen.first_unread; i < seen.end_unread; ++i)
    for (Value& saved : m.tape[i].saved) saved.drop();
}

}  // namespace gpumem
