#include "quantization/program_tensors.hpp"

#include "gpumem/number_text.hpp"
#include "layers/model.hpp"

namespace gpumem {
namespace {

std::string name_of(const Machine& m, const Parameter& p, int layers) {
  std::string name = p.name;
  for (int s = p.scope; s > 0; s = m.scopes()[static_cast<std::size_t>(s)].outer)
    name = std::string(m.scopes()[static_cast<std::size_t>(s)].name) + "." + name;
  return p.layer < 0 || p.layer >= layers ? name : "layers." + number_text(p.layer) + "." + name;
}

}  // namespace

StoredTensors program_tensors(const Decoder& model) {
  Machine m;
  m.declaring = true;
  ModelRun run(model, plan_layers(layer_kinds(model), false));
  Pass pass;
  Value hidden = run.hidden_states(m, m.memory.describe({1, 1}, int64), pass, "");
  run.head(m, std::move(hidden), pass).drop();
  const int layers = run.end_layer();
  StoredTensors all;
  for (const Parameter& p : m.parameters.rows)
    all.push_back({name_of(m, p, layers), p.shape, p.layer < layers ? p.layer : -1, p.copies});
  for (const IdleWeights& w : model.beside) all.push_back({w.name, w.shape, -1, w.copies});
  return all;
}

}  // namespace gpumem
