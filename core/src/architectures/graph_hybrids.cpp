#include "architectures/graph_hybrids.hpp"

#include <algorithm>
#include <cmath>

#include "architectures/common.hpp"

namespace gpumem {
namespace {

using Kind = StateMixer::Kind;

/// What all of them say in the same words. The fields of a configuration that has an inventory were checked there.
HybridModel read_sizes(Fields& c) {
  HybridModel m;
  m.decoder.vocabulary = c.count({"vocab_size"}, 65536, 1, most_width);
  m.decoder.hidden = c.count({"hidden_size", "d_model"}, 4096, 1, most_width);
  m.decoder.final_norm = NormKind::rms;
  DecoderLayer layer;
  layer.mlp.width = c.count({"intermediate_size"}, 14336, 1, most_width);
  AttentionLayer& a = layer.attention;
  a.heads = c.count({"num_attention_heads"}, 32, 1, most_width);
  a.kv_heads = c.count({"num_key_value_heads"}, a.heads, 1, most_width);
  a.head_dim = c.count({"head_dim", "attention_head_dim"}, std::max(1.0, std::floor(m.decoder.hidden / a.heads)), 1, most_width);
  a.input_bias = c.flag({"attention_bias"}, false);
  const double layers = c.count({"num_hidden_layers", "n_layer"}, 32, 1, most_layers);
  m.decoder.layers.assign(static_cast<std::size_t>(layers), layer);
  m.blocks.resize(m.decoder.layers.size());
  return m;
}

/// Source: [transformers] models/mamba/configuration_mamba.py, models/jamba/configuration_jamba.py
StateMixer read_mamba(Fields& c, double hidden) {
  StateMixer s;
  const double expand = c.number({"mamba_expand", "expand"}, 2, 0, 1 << 10);
  s.inner = std::floor(expand * hidden);
  s.state = c.count({"mamba_d_state", "state_size"}, 16, 1, most_width);
  s.kernel = c.count({"mamba_d_conv", "conv_kernel"}, 4, 2, 1 << 10);
  const Document* rank = c.value({"mamba_dt_rank", "time_step_rank"});
  s.heads = rank && rank->is(Document::Kind::number) ? rank->number() : std::ceil(hidden / 16);
  return s;
}

/// Source: [transformers] models/mamba2/configuration_mamba2.py, models/nemotron_h/configuration_nemotron_h.py, models/falcon_h1/configuration_falcon_h1.py
StateMixer read_mamba2(Fields& c, double hidden) {
  StateMixer s;
  s.kind = Kind::mamba2;
  s.heads = c.count({"mamba_num_heads", "mamba_n_heads", "num_heads"}, 128, 1, most_width);
  const double head_dim = c.count({"mamba_head_dim", "mamba_d_head", "head_dim"}, 64, 1, most_width);
  s.inner = c.count({"mamba_d_ssm"}, s.heads * head_dim, 1, most_width);
  s.state = c.count({"ssm_state_size", "mamba_d_state", "state_size"}, 128, 1, most_width);
  s.kernel = c.count({"conv_kernel", "mamba_d_conv"}, 4, 2, 1 << 10);
  s.groups = c.count({"n_groups", "mamba_n_groups"}, 1, 1, most_width);
  s.normed = c.flag({"mamba_rms_norm"}, true);
  if (hidden < 1 || s.heads < 1) s.heads = 1;
  return s;
}

HybridModel state_space_graph(Fields& c, bool second) {
  HybridModel m = read_sizes(c);
  const StateMixer s = second ? read_mamba2(c, m.decoder.hidden) : read_mamba(c, m.decoder.hidden);
  for (HybridBlock& b : m.blocks) b.state = s;
  return m;
}

HybridModel jamba_graph(Fields& c) {
  HybridModel m = read_sizes(c);
  StateMixer s = read_mamba(c, m.decoder.hidden);
  s.normed = true;
  const auto every = [&](const char* period, double usual_period, const char* offset, double usual_offset) {
    const double p = c.count({period}, usual_period, 1, most_layers), o = c.count({offset}, usual_offset, 0, most_layers);
    return [p, o](std::size_t i) { return std::fmod(static_cast<double>(i) - o, p) == 0; };
  };
  const auto attends = every("attn_layer_period", 8, "attn_layer_offset", 4), chooses = every("expert_layer_period", 2, "expert_layer_offset", 1);
  ExpertsLayer e;
  e.experts = c.count({"num_experts"}, 16, 1, most_width);
  e.top = c.count({"num_experts_per_tok"}, 2, 1, e.experts);
  for (std::size_t i = 0; i < m.blocks.size(); ++i) {
    m.blocks[i] = {std::nullopt, std::nullopt, attends(i), true, false, true};
    if (!attends(i)) m.blocks[i].state = s;
    DecoderLayer& l = m.decoder.layers[i];
    l.attention.rotary = AttentionLayer::Rotary::none;
    e.width = l.mlp.width;
    if (chooses(i) && e.experts > 1) l.experts = e;
  }
  return m;
}

/// Layers are letters: M a state, * attention, - an MLP.
/// None where a layer is of another kind, such as experts alone.
std::optional<HybridModel> nemotron_h_graph(Fields& c) {
  HybridModel m = read_sizes(c);
  const StateMixer s = read_mamba2(c, m.decoder.hidden);
  const Document* pattern = c.value({"hybrid_override_pattern"});
  const Document* types = c.value({"layers_block_type", "layer_types"});
  m.rows_behind_norm = true;
  for (std::size_t i = 0; i < m.blocks.size(); ++i) {
    char kind = '?';
    if (pattern && pattern->is(Document::Kind::text) && i < pattern->text().size()) kind = pattern->text()[i];
    if (types && types->is(Document::Kind::list) && i < types->items().size()) {
      const std::string& name = types->items()[i].text();
      kind = name == "mamba" ? 'M' : name == "attention" ? '*' : name == "mlp" ? '-' : '?';
    }
    if (kind != 'M' && kind != '*' && kind != '-') return std::nullopt;
    HybridBlock& b = m.blocks[i];
    if (kind == 'M') b.state = s;
    b.attends = kind == '*';
    b.only_feeds = kind == '-';
    DecoderLayer& l = m.decoder.layers[i];
    l.mlp.kind = MlpLayer::Kind::plain;
    l.attention.rotary = AttentionLayer::Rotary::none;
  }
  return m;
}

HybridModel falcon_h1_graph(Fields& c) {
  HybridModel m = read_sizes(c);
  const StateMixer s = read_mamba2(c, m.decoder.hidden);
  for (HybridBlock& b : m.blocks) b = {s, std::nullopt, true, true, false, false};
  return m;
}

/// Source: [transformers] models/lfm2/modeling_lfm2.py, models/lfm2_moe/configuration_lfm2_moe.py; [llama-cpp-conversion] conversion/lfm2.py
HybridModel lfm2_graph(Fields& c, bool chooses) {
  HybridModel m = read_sizes(c);
  StateMixer s;
  s.kind = Kind::short_convolution;
  s.inner = m.decoder.hidden;
  s.kernel = c.count({"conv_L_cache"}, 3, 2, 1 << 10);
  double width = c.count({"block_ff_dim", "intermediate_size"}, 12288, 1, most_width);
  if (!chooses && c.flag({"block_auto_adjust_ff_dim"}, true)) {
    const double multiple = c.count({"block_multiple_of"}, 256, 1, most_width);
    width = std::floor(std::floor(2 * width / 3) * c.number({"block_ffn_dim_multiplier"}, 1, 0, 1 << 10));
    width = multiple * std::ceil(width / multiple);
  }
  ExpertsLayer e;
  if (chooses) {
    e.experts = c.count({"num_experts"}, 32, 1, most_width);
    e.top = c.count({"num_experts_per_tok"}, 4, 1, e.experts);
    e.width = c.count({"moe_intermediate_size"}, 1792, 1, most_width);
    e.scores = ExpertsLayer::Scores::sigmoid;
    e.choice_bias = c.flag({"use_expert_bias"}, true);
    e.normalised = ExpertsLayer::Normalised::in_place;
  }
  const double dense = chooses ? c.count({"num_dense_layers"}, 2, 0, most_layers) : most_layers;
  const Document* types = c.value({"layer_types"});
  for (std::size_t i = 0; i < m.blocks.size(); ++i) {
    const bool convolves = types && types->is(Document::Kind::list) && i < types->items().size() && types->items()[i].text() == "conv";
    m.blocks[i] = {std::nullopt, std::nullopt, !convolves, true, false, true};
    if (convolves) m.blocks[i].state = s;
    DecoderLayer& l = m.decoder.layers[i];
    l.attention.qk_norm = NormKind::rms;
    l.mlp.width = width;
    if (static_cast<double>(i) >= dense) l.experts = e;
  }
  return m;
}

}  // namespace

std::optional<HybridModel> read_hybrid(Fields& c) {
  const std::string type = c.text({"model_type"}, "");
  if (type == "mamba" || type == "falcon_mamba") {
    HybridModel m = state_space_graph(c, false);
    if (type == "falcon_mamba")
      for (HybridBlock& b : m.blocks) b.state->normed = true;
    return m;
  }
  if (type == "mamba2") return state_space_graph(c, true);
  if (type == "jamba") return jamba_graph(c);
  if (type == "nemotron_h") return nemotron_h_graph(c);
  if (type == "falcon_h1") return falcon_h1_graph(c);
  if (type == "glm_moe_dsa") return indexed_latent_graph(c, 1);
  if (type == "deepseek_v32") return indexed_latent_graph(c, 8);
  if (type == "lfm2" || type == "lfm2_moe") return lfm2_graph(c, type == "lfm2_moe");
  return std::nullopt;
}

}  // namespace gpumem
