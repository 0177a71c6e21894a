#include "placement/tensor_parallel.hpp"

#include <algorithm>
#include <cmath>

#include "quantization/mix.hpp"
#include "quantization/tensor_names.hpp"

namespace gpumem {
namespace {

double part(double extent, double ranks) { return std::ceil(extent / ranks); }
double kept_heads(double heads, double ranks) { return std::max(1.0, std::floor(heads / ranks)); }

void split_attention(AttentionLayer& a, double ranks) {
  a.heads = part(a.heads, ranks);
  if (a.kv_heads > 0) a.kv_heads = kept_heads(a.kv_heads, ranks);
}

enum class Cut { whole, rows, columns, key_rows, every };

/// Where a linear of that role is cut: those that widen by rows, those that narrow by columns.
Cut cut_of(std::string_view name, const Shape& shape) {
  const bool bias = name.ends_with(".bias") || name.ends_with("_bias");
  std::string_view module = bias ? name.substr(0, name.size() - 5) : name;
  const TensorName* row = find_tensor_name(module);
  if (name.find("norm") != std::string_view::npos || name.find("indexer") != std::string_view::npos) return Cut::whole;
  if (!row) return shape.rank > 1 && beside_the_text(name) ? Cut::every : Cut::whole;
  const std::string_view g = row->gguf;
  if (g == "attn_q_a" || g == "attn_kv_a_mqa") return Cut::whole;
  if (g == "ssm_a" || g == "ssm_conv1d" || g == "ssm_in" || g.find("ssm_ba") == 0 || g == "ssm_beta" || g == "ssm_alpha" || g == "attn_gate") return Cut::every;
  const std::uint32_t roles = gguf_roles(g);
  if (roles & (role::router | role::position)) return Cut::whole;
  if (roles & (role::embedding | role::head)) return Cut::rows;
  if (roles & (role::output | role::down) || g == "ssm_out" || g == "shortconv.out_proj") return bias ? Cut::whole : Cut::columns;
  if ((roles & (role::key | role::value)) && g != "attn_kv_b") return Cut::key_rows;
  if (roles & (role::query | role::joint | role::up | role::gate)) return Cut::rows;
  return g == "attn_kv_b" || g == "attn_q_b" || g == "shortconv.in_proj" || g == "shortconv.conv" ? Cut::rows : shape.rank > 2 ? Cut::every : Cut::whole;
}

}  // namespace

double padded_vocabulary(double rows) { return std::ceil(rows / 64) * 64; }

Decoder decoder_of_rank(Decoder m, double ranks) {
  m.vocabulary = padded_vocabulary(m.vocabulary);
  return split_over_ranks(std::move(m), ranks);
}

Decoder split_over_ranks(Decoder m, double ranks) {
  if (ranks == 1) return m;
  m.vocabulary = part(m.vocabulary, ranks);
  for (DecoderLayer& l : m.layers) {
    split_attention(l.attention, ranks);
    l.mlp.width = part(l.mlp.width, ranks);
    if (!l.experts) continue;
    l.experts->width = part(l.experts->width, ranks);
    l.experts->shared_width = part(l.experts->shared_width, ranks);
  }
  for (IdleWeights& w : m.beside)
    if (w.shape.rank > 1) w.copies /= ranks;
  return m;
}

StoredTensors tensors_of_rank(StoredTensors tensors, double ranks, double kv_heads) {
  for (StoredTensor& t : tensors) {
    const std::uint32_t roles = tensor_roles(t.name, t.shape);
    if ((roles & (role::embedding | role::head)) && t.shape.rank == 2) t.shape[0] = padded_vocabulary(t.shape[0]);
    if (ranks == 1 || t.shape.rank == 0) continue;
    const Cut cut = cut_of(t.name, t.shape);
    if (cut == Cut::whole) continue;
    const bool matrix = t.shape.rank > 1;
    const int at = cut == Cut::columns && matrix ? -1 : matrix && cut != Cut::every ? -2 : 0;
    if (cut == Cut::every && t.shape.rank > 2) {   // a stack: what its matrices hold is divided
      t.shape[-1] = part(t.shape[-1], ranks);
      continue;
    }
    t.shape[at] = cut == Cut::key_rows && kv_heads > 0 ? std::ceil(t.shape[at] * kept_heads(kv_heads, ranks) / kv_heads) : part(t.shape[at], ranks);
  }
  return tensors;
}

}  // namespace gpumem
