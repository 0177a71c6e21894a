// Models whose layers carry a state from token to token, all of them or beside attention.

#include "architectures/mixers.hpp"

#include <algorithm>
#include <cmath>

namespace gpumem {

DecoderLayer without_attention(DecoderLayer layer) {
  layer.attention = {};
  layer.attention.rotary = AttentionLayer::Rotary::none;
  layer.attention.rotary_dim = 0;
  return layer;
}

std::vector<bool> attending_layers(Fields& c, Names names, std::size_t layers, bool (*absent)(Fields&, std::size_t)) {
  std::vector<bool> attending;
  const Document* types = c.value(names);
  const bool listed = types && types->is(Document::Kind::list);
  if (listed && types->items().size() != layers)
    c.report(*names.begin(), "wrong-length", text_of({"must name a type for each of the ", number_text(static_cast<double>(layers)), " layers"}));
  for (std::size_t i = 0; i < layers; ++i) {
    if (!listed || i >= types->items().size()) {
      attending.push_back(absent(c, i));
      continue;
    }
    const Document& type = types->items()[i];
    const std::string_view word = type.is(Document::Kind::text) ? std::string_view(type.text()) : "";
    attending.push_back(word == "attention" || word == "full_attention" || word == "hybrid" || word == "*");
  }
  return attending;
}

void mix_instead(Decoder& m, const MixerLayer& mixer, const std::vector<bool>& attending) {
  for (std::size_t i = 0; i < m.layers.size() && i < attending.size(); ++i) {
    if (attending[i]) continue;
    m.layers[i] = without_attention(m.layers[i]);
    m.layers[i].mixer = mixer;
  }
}

namespace {

/// A model of nothing but mixers: every layer is x + mixer(norm(x)).
Decoder mixers_only(Fields& c, double hidden, double vocabulary, double layers, bool tied) {
  Decoder m;
  m.vocabulary = c.count({"vocab_size"}, vocabulary, 1, most_vocabulary);
  m.hidden = c.count({"hidden_size", "d_model"}, hidden, 1, most_width);
  m.tied = c.flag({"tie_word_embeddings"}, tied);
  m.final_norm = NormKind::rms;
  m.logits_in_fp32 = true;
  DecoderLayer layer = without_attention({});
  layer.order = DecoderLayer::Order::single;
  layer.residual_in_fp32 = c.flag({"residual_in_fp32"}, true);
  MixerLayer& l = layer.mixer.emplace();
  l.conv = c.count({"conv_kernel"}, 4, 1, most_width);
  l.conv_bias = c.flag({"use_conv_bias"}, true);
  l.bias = l.output_bias = c.flag({"use_bias"}, false);
  m.layers.assign(static_cast<std::size_t>(c.count({"num_hidden_layers", "n_layer"}, layers, 1, most_layers)), layer);
  return m;
}

bool attends_if_listed(Fields& c, std::size_t i) {
  const Document* listed = c.value({"full_attn_idxs"});
  if (!listed || !listed->is(Document::Kind::list)) return true;
  for (const Document& index : listed->items())
    if (index.is(Document::Kind::number) && index.number() == static_cast<double>(i)) return true;
  return false;
}

}  // namespace

void check_heads(Fields& c, const MixerLayer& l, std::string_view name) {
  if (std::fmod(l.width, l.heads) != 0 || std::fmod(l.heads, l.groups) != 0)
    c.report(name, "not-divisible", "must divide the mixer's width, and the groups must divide it");
}

double read_rank(Fields& c, std::string_view name, double hidden) {
  const Document* given = c.value({name});
  const double automatic = std::ceil(hidden / 16);
  return given && given->is(Document::Kind::text) ? automatic : c.count({name}, automatic, 1, most_width);
}

/// Source: [transformers] models/mamba/configuration_mamba.py
Decoder mamba(Fields& c) {
  Decoder m = mixers_only(c, 768, 50280, 32, true);
  MixerLayer l = *m.layers[0].mixer;
  l.kind = MixerLayer::Kind::mamba;
  l.state = c.count({"state_size"}, 16, 1, most_width);
  l.width = c.count({"intermediate_size"}, std::max(std::floor(c.number({"expand"}, 2, 0, most_width) * m.hidden), 1.0), 1, most_width);
  l.rank = read_rank(c, "time_step_rank", m.hidden);
  for (DecoderLayer& layer : m.layers) layer.mixer = l;
  return m;
}

/// Source: [transformers] models/falcon_mamba/modeling_falcon_mamba.py: time step, B and C normalised without weights
Decoder falcon_mamba(Fields& c) {
  Decoder m = mamba(c);
  for (DecoderLayer& layer : m.layers) layer.mixer->normed_parts = true, layer.mixer->weighted_parts = false;
  return m;
}

/// Source: [transformers] models/mamba2/configuration_mamba2.py
Decoder mamba2(Fields& c) {
  Decoder m = mixers_only(c, 4096, 32768, 64, false);
  MixerLayer l = *m.layers[0].mixer;
  l.kind = MixerLayer::Kind::mamba2;
  l.state = c.count({"state_size"}, 128, 1, most_width);
  l.heads = c.count({"num_heads"}, 128, 1, most_heads);
  l.groups = c.count({"n_groups"}, 8, 1, most_heads);
  l.norm_groups = l.groups;
  l.chunk = c.count({"chunk_size"}, 256, 1, most_tokens);
  l.width = std::floor(c.number({"expand"}, 2, 0, most_width) * m.hidden);
  check_heads(c, l, "num_heads");
  for (DecoderLayer& layer : m.layers) layer.mixer = l;
  return m;
}

namespace {

/// Short convolutions, attention in some layers.
Decoder short_convolutions(Fields& c, const DecoderDefaults& d, DecoderLayer layer) {
  layer.attention.qk_norm = NormKind::rms;
  layer.attention.qk_norm_place = AttentionLayer::QkNorm::at_once;
  Decoder m = plain_decoder(c, d, layer);
  m.tied = c.flag({"tie_embedding"}, m.tied);
  m.final_norm = NormKind::rms;
  MixerLayer l;
  l.kind = MixerLayer::Kind::short_conv;
  l.width = m.hidden;
  l.conv = c.count({"conv_L_cache"}, 3, 1, most_width);
  l.conv_bias = l.bias = l.output_bias = c.flag({"conv_bias"}, false);
  mix_instead(m, l, attending_layers(c, {"layer_types"}, m.layers.size(), attends_if_listed));
  return m;
}

}  // namespace

/// Source: [transformers] models/lfm2_moe/modeling_lfm2_moe.py
Decoder lfm2_moe(Fields& c) {
  DecoderLayer layer;
  ExpertsLayer& e = layer.experts.emplace();
  read_experts(c, e, {32, 4, 1792, {"moe_intermediate_size"}});
  e.scores = ExpertsLayer::Scores::sigmoid;
  e.scaled = true;
  e.choice_bias = c.flag({"use_expert_bias"}, true);
  e.normalised = c.flag({"norm_topk_prob"}, true) ? ExpertsLayer::Normalised::anew : ExpertsLayer::Normalised::no;
  Decoder m = short_convolutions(c, {.vocabulary = 65536, .hidden = 2048, .width = 7168, .layers = 32, .heads = 32, .kv_heads = 8,
                                     .positions = 128000, .tied = true}, layer);
  const double dense = c.count({"num_dense_layers"}, 2, 0, most_layers);
  for (std::size_t i = 0; i < m.layers.size() && static_cast<double>(i) < dense; ++i) m.layers[i].experts.reset();
  return m;
}

/// Source: [transformers] models/lfm2/modeling_lfm2.py
Decoder lfm2(Fields& c) {
  Decoder m = short_convolutions(c, {.vocabulary = 65536, .hidden = 2560, .width = 12288, .layers = 32, .heads = 32, .kv_heads = 8,
                                     .positions = 128000, .tied = true}, {});
  double width = c.count({"block_ff_dim", "intermediate_size"}, 12288, 1, most_width);
  if (c.flag({"block_auto_adjust_ff_dim"}, true)) {
    const double multiple = c.count({"block_multiple_of"}, 256, 1, most_width);
    const double factor = c.number({"block_ffn_dim_multiplier"}, 1, 0, most_width);
    width = std::ceil(std::floor(factor * std::floor(2 * width / 3)) / multiple) * multiple;
  }
  for (DecoderLayer& l : m.layers) l.mlp.width = width;
  return m;
}

/// Source: [transformers] models/falcon_h1/modeling_falcon_h1.py: attention and a mixer side by side in every layer
Decoder falcon_h1(Fields& c) {
  DecoderLayer layer = gated_layer(c);
  layer.order = DecoderLayer::Order::beside;
  layer.mlp.scaled = layer.attention.scaled_key = true;
  Decoder m = plain_decoder(c, {.vocabulary = 128000, .hidden = 4096, .width = 14336, .layers = 32, .heads = 32, .kv_heads = 8,
                                .positions = 8192}, layer);
  m.final_norm = NormKind::rms;
  m.embedding_multiplied = m.logits_scaled = true;
  MixerLayer l;
  l.scaled = l.norm_in_fp32 = true;
  l.width = c.has("mamba_d_ssm") || !c.source()->find("mamba_d_ssm")
                ? c.count({"mamba_d_ssm"}, 1024, 1, most_width)
                : std::floor(c.number({"mamba_expand"}, 2, 0, most_width) * m.hidden);
  read_mamba2_fields(c, l, {.heads = 128, .groups = 1, .state = 256});
  l.output_bias = c.flag({"projectors_bias"}, false);
  l.normed_gate = c.flag({"mamba_rms_norm"}, false);
  l.gate_last = c.flag({"mamba_norm_before_gate"}, true);
  l.norm_groups = l.groups;
  for (DecoderLayer& each : m.layers) each.mixer = l;
  return m;
}

void read_mamba2_fields(Fields& c, MixerLayer& l, const Mamba2Defaults& d) {
  l.kind = MixerLayer::Kind::mamba2;
  l.heads = c.count({"mamba_n_heads", "mamba_num_heads", "n_mamba_heads"}, d.heads, 1, most_heads);
  l.groups = c.count({"mamba_n_groups", "n_groups", "mamba_ngroups"}, d.groups, 1, most_heads);
  l.state = c.count({"mamba_d_state", "ssm_state_size"}, d.state, 1, most_width);
  l.conv = c.count({"mamba_d_conv", "conv_kernel"}, 4, 1, most_width);
  l.chunk = c.count({"mamba_chunk_size", "chunk_size"}, d.chunk, 1, most_tokens);
  l.conv_bias = c.flag({"mamba_conv_bias", "use_conv_bias"}, true);
  l.bias = l.output_bias = c.flag({"mamba_proj_bias", "use_bias"}, false);
  for (const std::string_view name : {"mamba_d_head", "mamba_head_dim"}) c.value({name});
  check_heads(c, l, "mamba_n_heads");
}

}  // namespace gpumem
