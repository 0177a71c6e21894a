// Decoders in which layers with a mixer and layers with attention follow each other.

#include <cmath>

#include "architectures/mixers.hpp"

namespace gpumem {
namespace {

bool never(Fields&, std::size_t) { return false; }

/// The layers that `attn_layer_indices` lists.
bool listed(Fields& c, std::size_t i) {
  const Document* indices = c.value({"attn_layer_indices"});
  if (indices && indices->is(Document::Kind::list))
    for (const Document& index : indices->items())
      if (index.is(Document::Kind::number) && index.number() == static_cast<double>(i)) return true;
  return false;
}

bool by_period(Fields& c, std::size_t i) {
  const double period = c.count({"attn_layer_period"}, 8, 1, most_layers), offset = c.count({"attn_layer_offset"}, 4, 0, most_layers);
  return std::fmod(static_cast<double>(i), period) == offset;
}

}  // namespace

/// Source: [transformers] models/bamba/modeling_bamba.py
Decoder bamba(Fields& c) {
  DecoderLayer layer = gated_layer(c);
  layer.attention.rotary = AttentionLayer::Rotary::leading_then_glued;
  Decoder m = plain_decoder(c, {.vocabulary = 128000, .hidden = 4096, .width = 14336, .layers = 32, .heads = 32, .kv_heads = 8,
                                .positions = 262144}, layer);
  m.final_norm = NormKind::rms;
  rotate_leading_part(m, rotary_share(c, 0.5));
  MixerLayer l;
  l.width = std::floor(c.number({"mamba_expand"}, 2, 0, most_width) * m.hidden);
  read_mamba2_fields(c, l, {});
  l.norm_groups = l.groups;
  mix_instead(m, l, attending_layers(c, {"layers_block_type", "layer_types"}, m.layers.size(), listed));
  return m;
}

/// Source: [transformers] models/granitemoehybrid/modeling_granitemoehybrid.py: Granite's numbers, experts or none
Decoder granitemoehybrid(Fields& c) {
  Decoder m;
  if (c.count({"num_local_experts"}, 8, 0, most_experts) > 0) {
    m = granitemoeshared(c);
    const double shared = c.count({"shared_intermediate_size"}, 1024, 1, most_width);
    for (DecoderLayer& l : m.layers) l.experts->shared_width = shared;
  } else {
    m = granite(c);
    const double width = c.count({"shared_intermediate_size"}, 1024, 1, most_width);
    for (DecoderLayer& l : m.layers) l.mlp.width = width, l.mlp.kind = MlpLayer::Kind::gated_fused, l.mlp.bias = false;
  }
  const bool rotates = c.text({"position_embedding_type"}, "") == "rope";
  for (DecoderLayer& l : m.layers)
    if (!rotates) l.attention.rotary = AttentionLayer::Rotary::none;
  MixerLayer l;
  l.width = std::floor(c.number({"mamba_expand"}, 2, 0, most_width) * m.hidden);
  read_mamba2_fields(c, l, {});
  l.norm_groups = l.groups;
  mix_instead(m, l, attending_layers(c, {"layer_types", "layers_block_type"}, m.layers.size(), never));
  return m;
}

/// Source: [transformers] models/jamba/modeling_jamba.py: no positions, experts in every so many layers
Decoder jamba(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.mlp.bias = false;
  layer.attention.input_bias = layer.attention.output_bias = false;
  layer.attention.rotary = AttentionLayer::Rotary::none;
  read_experts(c, *layer.experts, {16, 2, 14336, {"intermediate_size"}});
  Decoder m = plain_decoder(c, {.vocabulary = 65536, .hidden = 4096, .width = 14336, .layers = 32, .heads = 32, .kv_heads = 8,
                                .positions = 262144}, layer);
  m.final_norm = NormKind::rms;
  const double period = c.count({"expert_layer_period"}, 2, 1, most_layers), offset = c.count({"expert_layer_offset"}, 1, 0, most_layers);
  for (std::size_t i = 0; i < m.layers.size(); ++i)
    if (layer.experts->experts <= 1 || std::fmod(static_cast<double>(i), period) != offset) m.layers[i].experts.reset();
  MixerLayer l;
  l.kind = MixerLayer::Kind::mamba;
  l.width = std::floor(c.number({"mamba_expand"}, 2, 0, most_width) * m.hidden);
  l.state = c.count({"mamba_d_state"}, 16, 1, most_width);
  l.conv = c.count({"mamba_d_conv"}, 4, 1, most_width);
  l.conv_bias = c.flag({"mamba_conv_bias"}, true);
  l.bias = l.output_bias = c.flag({"mamba_proj_bias"}, false);
  l.normed_parts = true;
  l.rank = read_rank(c, "mamba_dt_rank", m.hidden);
  mix_instead(m, l, attending_layers(c, {"layers_block_type", "layer_types"}, m.layers.size(), by_period));
  return m;
}

namespace {

/// One letter or word a layer: M mixer, * attention, - MLP, E experts.
char kind_of(std::string_view word) {
  if (word == "mamba" || word == "linear_attention" || word == "M") return 'M';
  if (word == "attention" || word == "full_attention" || word == "*") return '*';
  if (word == "moe" || word == "E") return 'E';
  return word == "mlp" || word == "-" ? '-' : '?';
}

std::string kinds(Fields& c) {
  std::string all;
  if (const Document* types = c.value({"layers_block_type", "layer_types"}); types && types->is(Document::Kind::list)) {
    for (const Document& type : types->items()) all += type.is(Document::Kind::text) ? kind_of(type.text()) : '?';
  } else {
    for (const char letter : c.text({"hybrid_override_pattern"}, "ME*-")) all += kind_of({&letter, 1});
  }
  c.value({"hybrid_override_pattern"});
  if (all.empty() || static_cast<double>(all.size()) > most_layers || all.find('?') != std::string::npos) {
    c.report("hybrid_override_pattern", "unknown-word", "must be letters of M, E, * and -");
    all.assign(1, 'M');
  }
  return all;
}

}  // namespace

/// Source: [transformers] models/nemotron_h/modeling_nemotron_h.py: every layer is one of a mixer, attention, MLP, experts
Decoder nemotron_h(Fields& c) {
  DecoderLayer layer;
  layer.order = DecoderLayer::Order::single;
  layer.norm = NormKind::rms_wide;
  layer.attention.rotary = AttentionLayer::Rotary::none;
  layer.mlp.kind = MlpLayer::Kind::plain;
  layer.mlp.activation = read_activation(c, {"mlp_hidden_act"}, "relu2");
  layer.mlp.bias = c.flag({"mlp_bias"}, false);
  Decoder m = plain_decoder(c, {.vocabulary = 131072, .hidden = 4096, .width = 21504, .layers = 4, .heads = 32, .kv_heads = 8,
                                .head_dim = 128, .positions = 4096}, layer);
  layer = m.layers[0];
  m.final_norm = NormKind::rms_wide;
  m.logits_in_fp32 = true;
  m.tied = false;   // its class has a head of its own whatever the config says
  MixerLayer l;
  l.heads = c.count({"mamba_num_heads"}, 128, 1, most_heads);
  l.width = l.heads * c.count({"mamba_head_dim"}, 64, 1, most_width);
  read_mamba2_fields(c, l, {.heads = 128, .groups = 8, .state = 128, .chunk = 128});
  l.norm_groups = l.groups;
  l.bias = l.output_bias = c.flag({"use_bias"}, false);
  m.layers.clear();
  for (const char kind : kinds(c)) {
    DecoderLayer each = kind == '*' ? layer : without_attention(layer);
    if (kind == 'M') each.mixer = l;
    if (kind == 'E') {
      ExpertsLayer& e = each.experts.emplace();
      e.activation = layer.mlp.activation;
      read_scored_experts(c, e, {8, 2, 7688, {"moe_intermediate_size"}}, 1, 1, true);
      e.shared_width = c.count({"moe_shared_expert_intermediate_size"}, 7688, 1, most_width);
      e.ungated = true;
      e.latent_width = c.count({"moe_latent_size"}, 0, 0, most_width);
    }
    m.layers.push_back(each);
  }
  return m;
}

}  // namespace gpumem
