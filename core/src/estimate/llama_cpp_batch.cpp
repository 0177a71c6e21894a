#include "estimate/llama_cpp_batch.hpp"

#include "architectures/common.hpp"
#include "engines/llama_cpp_compute.hpp"
#include "estimate/scenario.hpp"

namespace gpumem {

void read_llama_cpp_batch(Fields& options, Scenario& s) {
  LlamaCppBatch& l = s.llama_cpp_batch;
  const auto count = [&](const char* name, double& value, double low) {
    if (!options.has(name)) return;
    value = options.count({name}, value, low, most_tokens);
    s.engine_options.set(name, value);
  };
  count("n_ctx", l.context, 1);
  count("n_parallel", l.slots, 1);
  count("n_batch", l.batch, 1);
  count("n_ubatch", l.micro_batch, 1);
  count("n_outputs_max", l.outputs, 0);
  if (options.has("op_offload")) s.engine_options.set("op_offload", l.carries = options.flag({"op_offload"}, true));
  const Document* flash = options.value({"flash_attn"});
  if (!flash) return;
  l.flash_given = true;
  l.flash = flash->is(Document::Kind::boolean) ? flash->truth() : options.word({"flash_attn"}, "auto", {"on", "off", "auto"}) != "off";
  s.engine_options.set("flash_attn", *flash);
}

ComputeRequest compute_request(const Scenario& s) {
  const LlamaCppBatch& l = s.llama_cpp_batch;
  const InferenceScenario& i = s.inference;
  ComputeRequest r;
  r.sequences = l.slots > 0 ? l.slots : i.sequences;
  r.context = l.context > 0 ? l.context : i.context_tokens * r.sequences;
  r.batch = l.batch;
  r.micro_batch = l.micro_batch > 0 ? l.micro_batch : i.prefill_tokens;
  r.outputs = l.outputs;
  r.shared_cells = i.shared_cells;
  r.full_windows = i.full_windows;
  r.flash = l.flash_given ? l.flash : i.attention != "eager";
  r.carries = l.carries;
  r.keys = s.cache_format();
  r.values = s.cached_values();
  return r;
}

void put_compute_buffer(Parts& parts, Bytes buffer) {
  for (const Component c : {Component::activations, Component::logits, Component::rounding}) parts[c] = Bytes();
  parts[Component::workspace] = buffer;
}

}  // namespace gpumem
