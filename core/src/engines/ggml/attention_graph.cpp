#include <cmath>

#include "engines/ggml/graph_builder.hpp"

namespace gpumem::ggml {
namespace {

bool in_one_piece(const Tensor& t) {
  double next = t.unit;
  for (std::size_t d = 0; d < 4; ++d) {
    if (t.extent[d] != 1 && t.stride[d] != next) return false;
    next *= t.extent[d];
  }
  return true;
}

/// The side of the matrix that turns quantised keys: the largest power of two that divides a head, from 64 on.
/// Source: [llama-cpp-graph] src/llama-kv-cache.cpp: build_input_k_rot
double turn_side(double head_dim) {
  double side = 64;
  while (std::fmod(head_dim, side * 2) == 0) side *= 2;
  return side;
}

double padded(double bytes) { return std::ceil(bytes / 128) * 128; }

}  // namespace

int Builder::positions() {
  if (positions_ == nothing) positions_ = g.input(4, {c.tokens, 1, 1, 1});
  return positions_;
}

/// Source: [llama-cpp-graph] src/llama-graph.cpp: build_attn_inp_kv; src/llama-kv-cache.cpp: build_input_v_idxs
Builder::CacheInputs& Builder::cache_inputs(const AttentionLayer& a) {
  CacheInputs& in = inputs_[windowed(a)];
  if (in.mask != nothing) return in;
  double widest = 0;   // without flash attention values are stored transposed, element by element
  for (const DecoderLayer& l : m.layers) widest = std::max(widest, l.attention.kv_heads * l.attention.head_dim);
  in.keys = g.input(8, {c.tokens, 1, 1, 1});
  in.values = g.input(8, {c.flash ? c.tokens : c.tokens * widest, 1, 1, 1});
  in.mask = g.input(c.flash ? 2 : 4, {windowed(a) ? c.window_cells : c.cells, c.tokens / c.streams, 1, c.streams});
  if (a.latent || std::fmod(a.head_dim, 64) != 0) return in;
  const auto quantised = [](double unit) { return unit < 2; };
  if (quantised(c.key_unit)) in.key_turn = g.input(4, {turn_side(a.head_dim), turn_side(a.head_dim), 1, 1});
  if (quantised(c.value_unit)) in.value_turn = g.input(4, {64, 64, 1, 1});
  return in;
}

int Builder::turned(int x, int turn) {
  if (turn == nothing) return x;
  const Extents e = g.extent(x);
  const double side = g.extent(turn)[0];
  const Extents flat = {side, g.at(x).elements() / side, 1, 1};
  const int rows = in_one_piece(g.at(x)) ? g.reshape(x, flat) : g.make(Op::fresh, flat, {x});
  return g.reshape(g.product(turn, rows), e);
}

Builder::Heads Builder::project_heads(int x, const AttentionLayer& a) {
  const double d = a.head_dim, queries = a.heads * d, keys = a.kv_heads * d;
  Heads h{};
  if (a.projection == AttentionLayer::Projection::separate) {
    h = {project(x, queries, a.input_bias), project(x, keys, a.input_bias && !a.bare_key), project(x, keys, a.input_bias)};
    if (a.qk_norm && a.qk_norm_place == AttentionLayer::QkNorm::whole) h = {norm(h.query, *a.qk_norm), norm(h.key, *a.qk_norm), h.value};
    return {g.reshape(h.query, {d, a.heads, c.tokens, 1}), g.reshape(h.key, {d, a.kv_heads, c.tokens, 1}),
            g.reshape(h.value, {d, a.kv_heads, c.tokens, 1})};
  }
  const int all = project(x, queries + 2 * keys, a.input_bias);
  const double row = 4 * (queries + 2 * keys);
  const auto part = [&](double heads, double from) { return g.view(all, {d, heads, c.tokens, 1}, 4 * d, row, row * c.tokens, 4 * from); };
  return {part(a.heads, 0), part(a.kv_heads, queries), part(a.kv_heads, queries + keys)};
}

int Builder::rotated(int x, const AttentionLayer& a) {
  return a.rotary == AttentionLayer::Rotary::none ? x : g.like(Op::rotary, x, {positions()});
}

/// Source: [llama-cpp-graph] src/llama-kv-cache.cpp: cpy_k, cpy_v
void Builder::store(int cache, int x, int places, bool by_element) {
  const Extents e = g.extent(x);
  const double width = e[0] * e[1];
  const Extents stored = g.extent(cache);
  int rows;
  if (!by_element) {
    rows = g.view(x, {width, c.tokens, 1, 1}, g.at(x).stride[2], g.at(x).stride[2] * c.tokens, g.at(x).stride[2] * c.tokens, 0);
    if (stored[2] > 1) cache = g.reshape(cache, {stored[0], stored[1] * stored[2], 1, 1});
  } else {
    rows = 4 * width == g.at(x).stride[2] ? g.reshape(x, {width, c.tokens, 1, 1}) : g.make(Op::fresh, {width, c.tokens, 1, 1}, {x});
    cache = g.reshape(cache, {1, g.at(cache).elements(), 1, 1});
    rows = g.reshape(rows, {1, width * c.tokens, 1, 1});
  }
  g.expand(g.set_rows(cache, rows, places));
}

/// Source: [llama-cpp-graph] src/llama-graph.cpp: build_attn_mha
int Builder::attend(int q, int k, int v, int mask, int decompress, double behind) {
  const Extents e = g.extent(q);
  const Extents stride = g.at(q).stride;
  q = g.view(q, {e[0], e[1], e[2] / c.streams, c.streams}, stride[1], stride[2], stride[3] / c.streams, 0);
  const bool transposed = g.at(v).stride[1] > g.at(v).stride[2];
  q = g.permute(q, {0, 2, 1, 3});
  k = g.permute(k, {0, 2, 1, 3});
  v = g.permute(v, {0, 2, 1, 3});
  int out;
  if (c.flash) {
    const double width = g.extent(v)[0];
    out = g.make(Op::attention, {width, e[1], e[2] / c.streams, c.streams}, {q, k, v, mask});
    g.at(out).behind = behind;
    if (decompress != nothing) {
      out = g.product(decompress, g.permute(out, {0, 2, 1, 3}));
      out = g.contiguous(g.permute(out, {0, 2, 1, 3}));
    }
    const Extents o = g.extent(out);
    out = g.reshape(out, {o[0] * o[1], o[2] * o[3], 1, 1});
  } else {
    const double cells = g.extent(k)[1];
    int scores = g.make(Op::product, {cells, e[2] / c.streams, e[1], c.streams}, {k, q});
    scores = g.like(Op::in_place, scores, {mask});
    if (!transposed) v = g.contiguous(g.permute(v, {1, 0, 2, 3}));
    out = g.make(Op::product, {g.extent(v)[1], e[2] / c.streams, e[1], c.streams}, {v, scores});
    if (decompress != nothing) out = g.product(decompress, out);
    out = g.permute(out, {0, 2, 1, 3});
    const Extents o = g.extent(out);
    out = g.make(Op::fresh, {o[0] * o[1], o[2] * o[3], 1, 1}, {out});
    if (c.cache_on_processor) g.at(out).home = c.processor;
  }
  g.expand(out);
  return out;
}

int Builder::attention(int x, const AttentionLayer& a) {
  if (a.latent) return latent_attention(x, a);
  Heads h = project_heads(x, a);
  const auto normed = [&](int t) { return a.qk_norm && a.qk_norm_place != AttentionLayer::QkNorm::whole ? norm(t, *a.qk_norm) : t; };
  const bool late = a.qk_norm_place == AttentionLayer::QkNorm::after_rotary;
  h.query = late ? normed(rotated(h.query, a)) : rotated(normed(h.query), a);
  h.key = late ? normed(rotated(h.key, a)) : rotated(normed(h.key), a);
  const CacheInputs& in = cache_inputs(a);
  h.query = turned(h.query, in.key_turn);
  h.key = turned(h.key, in.key_turn);
  h.value = turned(h.value, in.value_turn);
  g.expand(h.query);
  for (const int t : c.window_cells > 0 ? std::array{h.key, h.value} : std::array{h.value, h.key}) g.expand(t);

  const double cells = windowed(a) ? c.window_cells : c.cells, d = a.head_dim, width = a.kv_heads * d;
  const int lies = c.cache_on_processor ? c.processor : home;
  const int keys = g.cache(c.key_unit, {width, cells, c.streams, 1}, lies);
  const int values = g.cache(c.value_unit, {width, cells, c.streams, 1}, lies);
  store(keys, h.key, in.keys, false);
  store(values, h.value, in.values, !c.flash);
  const auto by_head = [&](int cache, double unit) {
    return g.view(cache, {d, a.kv_heads, cells, c.streams}, unit * d, unit * width, unit * width * cells, 0);
  };
  const int k = by_head(keys, c.key_unit);
  const int v = c.flash ? by_head(values, c.value_unit)
                        : g.view(values, {cells, a.kv_heads, d, c.streams}, c.value_unit * cells * d, c.value_unit * cells, c.value_unit * cells * width, 0);
  // kernels for batches read keys and values in 16 bits. Source: [ggml] src/ggml-cuda/fattn-common.cuh
  double behind = 0;
  const double result = 4 * d * a.heads * c.tokens;
  for (const double unit : {c.key_unit, c.value_unit})
    if (unit != 2) behind = padded(result + behind) - result + 2 * width * cells * c.streams;
  return project(turned(attend(h.query, k, v, in.mask, nothing, behind), in.value_turn), g.extent(x)[0], a.output_bias);
}

/// Keys and values as one latent that all heads share; queries go into its space, the result comes back.
/// Source: [llama-cpp-graph] src/models/deepseek2.cpp
int Builder::latent_attention(int x, const AttentionLayer& a) {
  const LatentProjection& l = *a.latent;
  const double head = l.nope_dim + l.rotary_dim, latent = l.key_rank + l.rotary_dim, row = 4 * latent;
  int q = x;
  if (l.query_rank > 0) q = norm(project(x, l.query_rank), NormKind::rms);
  const CacheInputs& in = cache_inputs(a);
  if (indexer && !indexer->shared) index_.chosen = chosen_tokens(x, q, l.rotary_dim);
  q = g.reshape(project(q, a.heads * head), {head, a.heads, c.tokens, 1});
  const int both = project(x, latent);
  int values = g.view(both, {l.key_rank, c.tokens, 1, 1}, row, row * c.tokens, row * c.tokens, 0);
  int key_turned = g.view(both, {l.rotary_dim, 1, c.tokens, 1}, row, row, row * c.tokens, 4 * l.key_rank);
  const Extents qs = g.at(q).stride;
  int query_turned = g.view(q, {l.rotary_dim, a.heads, c.tokens, 1}, qs[1], qs[2], qs[3], 4 * l.nope_dim);
  query_turned = g.like(Op::rotary, query_turned, {positions()});
  key_turned = g.like(Op::rotary, key_turned, {positions()});
  values = norm(values, NormKind::rms);
  int straight = g.view(q, {l.nope_dim, a.heads, c.tokens, 1}, qs[1], qs[2], qs[3], 0);
  straight = g.product(g.weight(2, {l.nope_dim, l.key_rank, a.heads, 1}, home), g.permute(straight, {0, 2, 1, 3}));
  const int query = g.joined(g.permute(straight, {0, 2, 1, 3}), query_turned);
  values = g.reshape(values, {l.key_rank, 1, c.tokens, 1});
  const int key = g.joined(values, key_turned);
  g.expand(query);
  g.expand(values);
  g.expand(key);
  const int cache = g.cache(c.key_unit, {latent, c.cells, c.streams, 1}, c.cache_on_processor ? c.processor : home);
  store(cache, key, in.keys, false);
  const double line = c.key_unit * latent;
  const int k = g.view(cache, {latent, 1, c.cells, c.streams}, line, line, line * c.cells, 0);
  const int v = g.view(k, {l.key_rank, 1, c.cells, c.streams}, line, line, line * c.cells, 0);
  const double result = 4 * l.key_rank * a.heads * c.tokens;
  const double behind = c.key_unit == 2 ? 0 : padded(result) - result + 2 * latent * c.cells * c.streams;
  const int decompress = g.weight(2, {l.key_rank, l.value_dim, a.heads, 1}, home);
  const int mask = indexer ? only_chosen(in.mask) : in.mask;
  return project(attend(query, k, v, mask, decompress, behind), g.extent(x)[0]);
}

}  // namespace gpumem::ggml
