#pragma once
// Small models for tests: configs with few fields changed, read as any config is, and run.

#include <catch2/catch.hpp>

#include "architectures/architecture.hpp"
#include "json_document.hpp"
#include "training/step.hpp"

namespace gpumem::test {

/// The sizes of a test's model, by the letters that formulas use.
struct Sizes {
  double h = 256, f = 512, a = 4, k = 2, d = 128, v = 512;
};

inline Decoder decoder(const nlohmann::ordered_json& config) {
  const Document document = read(config);
  std::vector<Issue> issues;
  std::vector<Assumption> assumptions;
  Fields fields(&document, "", issues);
  Decoder model = read_model(fields, assumptions);
  for (const Issue& i : issues) FAIL_CHECK(i.path << ": " << i.message);
  return model;
}

/// A config of that type with these sizes; `more` adds fields or replaces some.
inline nlohmann::ordered_json config(const char* type, const Sizes& s, int layers,
                                     const nlohmann::ordered_json& more = nlohmann::ordered_json::object()) {
  nlohmann::ordered_json c = {{"model_type", type},
                              {"hidden_size", s.h},
                              {"intermediate_size", s.f},
                              {"num_attention_heads", s.a},
                              {"num_key_value_heads", s.k},
                              {"head_dim", s.d},
                              {"vocab_size", s.v},
                              {"num_hidden_layers", layers},
                              {"max_position_embeddings", 8192},
                              {"tie_word_embeddings", false}};
  c.update(more);
  return c;
}

struct Setting {
  double sequences = 1, tokens = 128;
  AttentionKernel kernel = AttentionKernel::flash;
  const Format* weights = bf16;
  const Format* autocast = nullptr;
  bool checkpointing = false;
  const Adaptation* adaptation = nullptr;
};

/// What is kept for backward when the forward pass is done and the logits are let go, in rounded bytes.
inline double saved_by(const Decoder& model, const Setting& s) {
  Machine m;
  ModelRun run(model, plan_layers(layer_kinds(model), false));
  m.adaptation = s.adaptation;
  m.trainable = !s.adaptation;
  declare_parameters(m, run, model, s.weights);
  const Bytes before = m.memory.ledger.live();
  m.begin_layer(-1);
  m.recording = m.training = true;
  m.autocast = s.autocast;
  {
    Pass pass;
    pass.sequences = s.sequences;
    pass.tokens = s.tokens;
    pass.kernel = s.kernel;
    pass.checkpointing = s.checkpointing;
    const Value ids = m.allocate({s.sequences, s.tokens}, int64, "token ids");
    Value hidden = run.hidden_states(m, ids, pass, "forward");
    run.head(m, std::move(hidden), pass).drop();
  }
  m.leave_autocast();
  return in(bytes, m.memory.ledger.live() - before);
}

/// What one layer keeps: half the difference of four layers and two.
inline double saved_by_layer(const char* type, const Sizes& sizes, const Setting& s,
                             const nlohmann::ordered_json& more = nlohmann::ordered_json::object()) {
  const auto with = [&](int layers) { return saved_by(decoder(config(type, sizes, layers, more)), s); };
  return (with(4) - with(2)) / 2;
}

}  // namespace gpumem::test
