#include "engines/transformers.hpp"

#include <algorithm>

#include "layers/dense.hpp"
#include "machine/parts.hpp"
#include "training/step.hpp"

namespace gpumem {

/// Greedy choice from the last position: its logits are copied to fp32 whatever their format.
/// Of a draft's tokens all are compared.
/// Source: [transformers] generation/utils.py GenerationMixin._sample, _assisted_decoding
Value choose(Machine& m, const Value& logits, const Value& ids, double rows) {
  const Value scores = m.allocate({ids->shape[0] * rows, logits->shape[-1]}, fp32, "scores", Component::logits);
  const Value copied = rows > 1 ? m.allocate(scores->shape, fp32, "scores, for processors", Component::logits) : Value();
  const Value token = m.allocate({ids->shape[0]}, int64, "next token");
  return m.allocate({ids->shape[0], ids->shape[1] + 1}, int64, "token ids");
}

namespace {

struct Generation {
  Machine& m;
  ModelRun run;
  const GenerationPlan& plan;
  KvCache cache;
  double past = 0;
  SeenImages images;

  Value forward(const Value& ids, double length, std::string_view phase) {
    Pass pass;
    pass.sequences = plan.sequences;
    pass.tokens = length;
    pass.past = past;
    pass.kernel = plan.kernel;
    pass.cache = &cache;
    pass.last_token_only = !plan.all_logits;
    pass.kept_tokens = std::min(1 + plan.drafted, length);
    const Value part = m.view(ids, {plan.sequences, length});
    std::vector<Value> placed;   // until the layers have run
    if (whole_engine && images.rows && phase == "prefill")
      run.on_embeddings = [&](Machine& on, Value embeddings) { return place_images(on, *plan.reader, images.rows, std::move(embeddings), placed); };
    run.both_ways = whole_engine && plan.reader && plan.reader->both_ways && phase == "prefill";
    Value hidden = run.hidden_states(m, part, pass, phase);
    run.on_embeddings = nullptr;
    let_go(placed);
    Value logits = run.cap(m, run.head(m, std::move(hidden), pass));
    past += length;
    if (!plan.all_logits) return logits;
    // Source: [transformers] 4.40 models/qwen2/modeling_qwen2.py Qwen2ForCausalLM.forward
    const Component before = m.made;
    m.made = Component::logits;
    logits = m.cast(std::move(logits), fp32);
    m.made = before;
    logits = m.view(logits, {plan.sequences, 1, logits->shape[2]});
    return logits;
  }

  /// As if the passes up to that many tokens had been run. Of those that pack a cache in few bits anew the last is run,
  /// for that takes the most, and the one before it, at whose end the most rows wait.
  void skip_to(double seen, Value& ids, double step, std::string_view phase) {
    if (seen <= past) return;
    if (const double packing = whole_engine ? cache.last_packing_before(seen) : 0; packing > 0) {
      skip_over(packing - 2 * step);
      while (past < packing) {
        if (phase != "decode") forward(ids, step, phase);
        else decode(ids, step);
      }
    }
    skip_over(seen);
  }

  /// One pass and the choice behind it.
  void decode(Value& ids, double step) {
    ids = m.allocate({plan.sequences, past + step}, int64, "token ids");
    const Value logits = forward(ids, step, "decode");
    ids = choose(m, logits, ids, 1 + plan.drafted);
  }

  void skip_over(double seen) {
    if (seen <= past) return;
    run.stretch_cache(m, cache, seen);
    past = seen;
  }
};

int tower_place(const Generation& g) { return g.run.end_layer() + 1; }

void declare_tower(Generation& g) {
  Machine& m = g.m;
  m.weight_format = g.plan.weights;
  m.declaring = true;
  read_images(m, *g.plan.reader, 1, pixels_of(m, *g.plan.reader, 1), g.plan.kernel, tower_place(g));
  m.declaring = false;
}

/// The tower runs before the text; whoever asked holds the pixels.
/// Source: [transformers] generation/utils.py _prepare_multimodal_encoder_kwargs_for_generation
void look(Generation& g, std::vector<Value>& held) {
  Machine& m = g.m;
  held = image_buffers(m, *g.plan.reader);
  const Value pixels = pixels_of(m, *g.plan.reader, g.plan.images);
  held.push_back(pixels);
  m.memory.ledger.enter("encode", tower_place(g));
  g.images = read_images(m, *g.plan.reader, g.plan.images, pixels, g.plan.kernel, tower_place(g));
  const double b = g.plan.sequences, s = g.plan.prompt_tokens;
  if (g.plan.reader->both_ways) held.push_back(m.allocate({b, s}, int64, "token types"));
  if (!g.plan.reader->positions_by_sequence) return;
  held.push_back(m.allocate({4, b, s}, int64, "positions in text and images"));
  g.run.position_rows = b;
  g.run.positions_given = true;
}

}  // namespace

GenerationFacts run_generation(Machine& m, const Decoder& model, const GenerationPlan& plan, bool every_layer) {
  const KvCache::Kind kind = plan.fixed_cache ? KvCache::Kind::fixed : KvCache::Kind::grown;
  Generation g{m, ModelRun(model, plan_layers(layer_kinds(model), !every_layer, Passes::forward)), plan,
               KvCache(kind, plan.cache ? plan.cache : plan.weights, plan.context_tokens), 0, {}};
  Adaptation packed;
  packed.packed = format("nf4");   // any that is unpacked: what lies in memory is given
  packed.packs_head = plan.packs_head;
  if (plan.unpacks) m.adaptation = &packed;
  m.unpacked_first = plan.unpacked_first;
  g.cache.value_format = plan.cached_values;
  if (whole_engine) g.cache.quantization = plan.packed_cache;
  if (plan.lay_out_cache) plan.lay_out_cache(plan, model, g.cache);
  if (whole_engine && plan.reader) declare_tower(g);
  declare_parameters(m, g.run, model, plan.weights, plan.stored);
  m.begin_layer(-1);
  const std::vector<Value> buffers = g.run.buffers(m);
  // Source: [transformers] 4.40 models/qwen2/modeling_qwen2.py Qwen2RotaryEmbedding._set_cos_sin_cache
  std::vector<Value> tables;
  for (const DecoderLayer& l : model.layers)
    if (plan.rotary_rows > 0 && l.attention.rotary != AttentionLayer::Rotary::none)
      tables.push_back(m.allocate({2, plan.rotary_rows, l.attention.rotary_dim}, plan.weights, "sines and cosines", Component::workspace));
  Value ids = m.allocate({plan.sequences, plan.prompt_tokens}, int64, "token ids");
  std::vector<Value> seen;   // buffers of the tower, and what the caller holds
  if (whole_engine && plan.reader) look(g, seen);

  const double chunk = std::min(plan.prefill_tokens, plan.prompt_tokens);
  const double last_chunk = plan.prompt_tokens - chunk * (std::ceil(plan.prompt_tokens / chunk) - 1);
  Value logits;
  if (last_chunk != plan.prompt_tokens) {
    g.forward(ids, chunk, "prefill");
    // Where the last part is a rest, the one before it is the largest that looks back farthest.
    if (const double before = plan.prompt_tokens - last_chunk - chunk; last_chunk < chunk && before > 0) {
      g.skip_to(before, ids, chunk, "prefill");
      g.forward(ids, chunk, "prefill");
    }
    g.skip_to(plan.prompt_tokens - last_chunk, ids, chunk, "prefill");
  }
  logits = g.forward(ids, last_chunk, "prefill");
  ids = choose(m, logits, ids, 1 + plan.drafted);
  logits.drop();
  const double step = 1 + (whole_engine ? plan.drafted : 0);
  while (g.past < plan.context_tokens) {
    logits = g.forward(ids, std::min(step, plan.context_tokens - g.past), "decode");
    ids = choose(m, logits, ids, 1 + plan.drafted);
    logits.drop();
    if (g.past + step < plan.context_tokens) {
      g.skip_to(plan.context_tokens - step, ids, step, "decode");
      ids = m.allocate({plan.sequences, plan.context_tokens}, int64, "token ids");
    }
  }
  m.adaptation = nullptr;
  const Parts& parts = m.memory.ledger.parts();
  return {parts[Component::kv_cache] + parts[Component::recurrent_state]};
}

}  // namespace gpumem
