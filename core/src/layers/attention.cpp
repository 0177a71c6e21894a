#include "layers/attention.hpp"

#include <algorithm>

#include "layers/dense.hpp"
#include "layers/latent_attention.hpp"
#include "layers/norms.hpp"
#include "layers/older_attention.hpp"
#include "layers/rotary.hpp"
#include "layers/split_sequence.hpp"
#include "machine/parts.hpp"

namespace gpumem {
namespace {

struct QueryKeyValue {
  Value joint;   ///< a joint projection stays alive as long as its parts
  Value query, key, value;
  Value gate;    ///< what the output is multiplied by, before its sigmoid
};

void normalise_both(Machine& m, const AttentionLayer& a, Value& query, Value& key) {
  if (!a.qk_norm) return;
  query = normalise(m, "q_norm", *a.qk_norm, query);
  key = normalise(m, "k_norm", *a.qk_norm, key);
}

/// Keys and values of the encoder's output that an earlier pass left: their weights are there, and not used.
void pass_over(Machine& m, const AttentionLayer& a, const char* name, double in, bool bias) {
  const Machine::Scope scope(m, name);
  m.parameter("weight", {a.kv_heads * a.head_dim, in});
  if (bias) m.parameter("bias", {a.kv_heads * a.head_dim});
}

/// [b, heads, s, d] with the heads outermost; one token lies so already.
Value heads_outermost(Machine& m, Value x) {
  if (x->shape[2] > 1) return m.copy(std::move(x), "heads outermost", Layout::head_major);
  Value same = m.view(x, x->shape);
  same->layout = Layout::head_major;
  return same;
}

/// Each head's query and gate lie side by side; the gate is copied out unless there is only one head.
/// Source: [transformers] models/qwen3_next/modeling_qwen3_next.py Qwen3NextAttention.forward
void gated_query(Machine& m, const AttentionLayer& a, const Value& x, QueryKeyValue& p) {
  const double width = a.heads * a.head_dim;
  Value both = dense(m, "q_proj", x, 2 * width, a.input_bias);
  p.query = m.heads(m.slice(both, width), a.heads);
  p.gate = m.slice(both, width);
  both.drop();
  if (a.heads > 1) p.gate = m.copy(p.gate, "gate", Layout::token_major);
  if (a.qk_norm) p.query = normalise(m, "q_norm", *a.qk_norm, p.query);
}

QueryKeyValue separate(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  QueryKeyValue p;
  const Value& source = a.cross ? pass.encoded : x;
  const auto normed = [&](const char* name, AttentionLayer::QkNorm place, Value part) {
    return a.qk_norm && a.qk_norm_place == place ? normalise(m, name, *a.qk_norm, std::move(part)) : part;
  };
  const auto projected = [&](const char* name, const char* norm, const Value& from, double heads, bool bias) {
    Value part = dense(m, name, from, heads * a.head_dim, bias);
    if (norm) part = normed(norm, AttentionLayer::QkNorm::whole, std::move(part));
    part = m.heads(part, heads);
    if (a.scaled_key && norm && norm[0] == 'k') part = m.scale(part, "scaled key");
    if (a.heads_outermost) return heads_outermost(m, std::move(part));
    return norm ? normed(norm, AttentionLayer::QkNorm::at_once, std::move(part)) : part;
  };
  if (whole_engine && a.gated)
    gated_query(m, a, x, p);
  else if (a.scaled_query)
    p.query = m.heads(m.scale(dense(m, "q_proj", x, a.heads * a.head_dim, a.input_bias)), a.heads);
  else
    p.query = projected("q_proj", "q_norm", x, a.heads, a.input_bias);
  if (a.heads_outermost && a.scaled_query) p.query = heads_outermost(m, std::move(p.query));
  const bool key_bias = a.input_bias && !a.bare_key;
  if (whole_engine && a.cross && pass.cross_cache && pass.cross_cache->holds(m.layer())) {
    pass_over(m, a, "k_proj", source->shape[-1], key_bias);
    pass_over(m, a, "v_proj", source->shape[-1], a.input_bias);
    return p;
  }
  p.key = projected("k_proj", "k_norm", source, a.kv_heads, key_bias);
  p.value = projected("v_proj", nullptr, source, a.kv_heads, a.input_bias);
  if (a.clipped)
    for (Value* part : {&p.query, &p.key, &p.value}) *part = m.clamp_in_place(*part);
  if (a.qk_norm_place == AttentionLayer::QkNorm::after_all) normalise_both(m, a, p.query, p.key);
  return p;
}

QueryKeyValue joint(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  QueryKeyValue p;
  const double q = a.heads * a.head_dim, kv = a.kv_heads * a.head_dim;
  p.joint = dense(m, "qkv_proj", x, q + 2 * kv, a.input_bias, a.transposed);
  if (a.clipped) p.joint = m.clamp(p.joint);
  // A view, which keeps the queries in memory too; a second run gives nothing back.
  if (pass.presents && !m.replaying()) pass.presents->push_back(m.view(p.joint, {x->shape[0], x->shape[1], 2 * kv}));
  if (a.projection == AttentionLayer::Projection::split) {
    auto parts = m.split(p.joint, {q, kv, kv});
    p.query = std::move(parts[0]), p.key = std::move(parts[1]), p.value = std::move(parts[2]);
  } else {
    p.query = m.slice(p.joint, q);
    p.key = m.slice(p.joint, kv);
    p.value = m.slice(p.joint, kv);
  }
  p.query = m.heads(p.query, a.heads);
  p.key = m.heads(p.key, a.kv_heads);
  p.value = m.heads(p.value, a.kv_heads);
  if (a.qk_norm_place == AttentionLayer::QkNorm::after_all) normalise_both(m, a, p.query, p.key);
  return p;
}

/// Heads are normalised and turned while each token's lie side by side.
/// Source: [transformers] models/gemma4/modeling_gemma4.py Gemma4TextAttention.forward
QueryKeyValue turned_in_rows(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  const double b = x->shape[0], s = x->shape[1];
  const RotaryTables& given = pass.rotary_of(a.window > 0);
  const Shape by_token = {1, s, 1, a.rotary_dim};
  const RotaryTables tables = {m.view(given.cos, by_token), m.view(given.sin, by_token)};
  const auto projected = [&](const char* name, double heads) {
    return m.view(dense(m, name, x, heads * a.head_dim, a.input_bias), {b, s, heads, a.head_dim});
  };
  const auto by_head = [&](const Value& rows) {
    Value seen = m.view(rows, {b, rows->shape[2], s, a.head_dim});
    seen->layout = Layout::token_major;
    return seen;
  };
  QueryKeyValue p;
  {
    Value query = projected("q_proj", a.heads);
    query = normalise(m, "q_norm", *a.qk_norm, query);
    p.query = by_head(turn(m, query, tables));
  }
  if (a.keys == AttentionLayer::Keys::borrowed) return p;
  Value key = projected("k_proj", a.kv_heads);
  const Value value = a.key_as_value ? key : projected("v_proj", a.kv_heads);
  key = normalise(m, "k_norm", *a.qk_norm, key);
  key = turn(m, key, tables);
  p.key = by_head(key);
  p.value = by_head(a.value_normed ? normalise(m, "v_norm", NormKind::rms_by_power_bare, value) : value);
  return p;
}

/// Whoever keeps a key made in a second run keeps the nodes that made it, with all they saved.
/// Source: [pytorch-checkpoint] _recomputation_hook; [transformers] cache_utils.py KVSharingDict
void lend(Machine& m, const Pass& pass, bool windowed, KvCache::KeyValue given) {
  if (m.replaying() && given.key->node >= 0) {
    const int frame = m.tape[static_cast<std::size_t>(given.key->node)].frame, first = m.frames[static_cast<std::size_t>(frame)].first_node;
    std::vector<int> made = {given.key->node, given.value->node};
    for (std::size_t i = 0; i < made.size(); ++i) {
      if (made[i] < first || std::find(made.begin(), made.begin() + static_cast<std::ptrdiff_t>(i), made[i]) != made.begin() + static_cast<std::ptrdiff_t>(i)) continue;
      const Node& node = m.tape[static_cast<std::size_t>(made[i])];
      for (const Value& saved : node.saved)
        if (saved) pass.lent->behind.push_back(saved);
      for (const Edge& edge : node.edge)
        if (edge.node >= 0) made.push_back(edge.node);
    }
  }
  pass.lent->of[windowed] = std::move(given);
}

/// Source: [transformers] models/llama/modeling_llama.py LlamaAttention.forward
AttentionResult sub_layer(Machine& m, const AttentionLayer& a, Value x, const Pass& pass) {
  if (whole_engine && a.form != AttentionLayer::Form::shared) return own_attention(m, a, x, pass);
  const Machine::Scope scope(m, a.cross ? "encoder_attn" : "self_attn");
  if (whole_engine && a.latent) return latent_attention(m, a, x, pass);
  if (whole_engine) x = gather_sequence(m, std::move(x), pass.tensor_ranks);
  QueryKeyValue p = whole_engine && a.turned_in_rows ? turned_in_rows(m, a, x, pass) : !whole_engine || a.projection == AttentionLayer::Projection::separate ? separate(m, a, x, pass) : joint(m, a, x, pass);
  if (a.rotary != AttentionLayer::Rotary::none && !(whole_engine && a.turned_in_rows)) {
    auto [query, key] = rotate(m, a, pass.rotary_of(a.window > 0), p.query, p.key);
    p.query = std::move(query);
    p.key = std::move(key);
  }
  if (a.qk_norm_place == AttentionLayer::QkNorm::after_rotary) normalise_both(m, a, p.query, p.key);
  KvCache::KeyValue unwindowed;
  if (whole_engine && a.keys == AttentionLayer::Keys::lent && pass.cache && pass.cache->fixed() && a.window > 0 && pass.tokens > a.window)
    unwindowed = {p.key, p.value};   // such a cache gives back what it got
  const bool borrows = whole_engine && a.keys == AttentionLayer::Keys::borrowed;
  if (borrows) {
    p.key = pass.lent->of[a.window > 0].key;
    p.value = pass.lent->of[a.window > 0].value;
  } else if (KvCache* cache = a.cross ? pass.cross_cache : pass.cache) {
    KvCache::KeyValue all = p.key ? cache->update(m, p.key, p.value, a.window) : cache->held(m.layer());
    p.key = std::move(all.key);
    p.value = std::move(all.value);
  }
  if (whole_engine && a.keys == AttentionLayer::Keys::lent) lend(m, pass, a.window > 0, unwindowed.key ? std::move(unwindowed) : KvCache::KeyValue{p.key, p.value});
  AttentionResult result = attend(m, a, pass, p.query, p.key, p.value);
  if (a.kept_context) result.context = result.output;
  if (whole_engine && p.gate) result.output = m.multiply(result.output, m.sigmoid(p.gate));
  result.output = dense(m, a.projection == AttentionLayer::Projection::separate ? "o_proj" : "out_proj",
                          result.output, x->shape[-1], a.output_bias, a.transposed, a.own_output ? Adaptation::Names::its_own : Adaptation::Names::all);
  if (whole_engine) result.output = scatter_sequence(m, std::move(result.output), pass.tensor_ranks);
  result.output = m.dropout(result.output, a.output_dropout);
  return result;
}

}  // namespace

AttentionResult attention(Machine& m, const AttentionLayer& a, Value x, const Pass& pass) {
  if (!whole_engine || !m.recomputed.attention) return sub_layer(m, a, std::move(x), pass);
  AttentionResult given;
  Pass own = pass;
  own.returned = nullptr;
  given.output = m.checkpoint(x, [&a, own, first = &given](Machine& on, Value input) {
    AttentionResult made = sub_layer(on, a, std::move(input), own);
    if (!on.replaying()) first->probabilities = std::move(made.probabilities);   // the second run gives nothing back
    return std::move(made.output);
  });
  return given;
}

}  // namespace gpumem
