// Families whose code comes with their checkpoints: transformers has no class of its own. Their fields say what there
// is; sizes of weights and of the cache follow, moments in between are those of the class they were made from.

#include <algorithm>
#include <cmath>

#include "architectures/common.hpp"

namespace gpumem {
/// Source: [vllm] model_executor/models/exaone.py ExaoneDecoderLayer: Llama under other names of fields
Decoder exaone(Fields& c) {
  DecoderLayer layer;
  layer.mlp.activation = read_activation(c, {"activation_function"}, "silu");
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  return rms_decoder(c, {.vocabulary = 102400, .hidden = 2048, .width = 8192, .layers = 32, .heads = 32}, layer);
}

/// Source: [vllm] model_executor/models/qwen.py QWenAttention, QWenMLP; [qwen] modeling_qwen.py QWenLMHeadModel.forward: each half of the MLP has half of `intermediate_size`
Decoder qwen(Fields& c) {
  DecoderLayer layer;
  layer.attention.projection = AttentionLayer::Projection::split;
  layer.attention.input_bias = true;
  layer.attention.output_bias = layer.mlp.bias = !c.flag({"no_bias"}, true);
  layer.attention.dropout = c.number({"attn_dropout_prob"}, 0, 0, 1);
  Decoder m = rms_decoder(c, {.vocabulary = 151936, .hidden = 4096, .width = 22016, .layers = 32, .heads = 32,
                              .head_dim = c.count({"kv_channels"}, 128, 1, most_width), .positions = 8192}, layer);
  for (DecoderLayer& l : m.layers) l.mlp.width = std::floor(l.mlp.width / 2);
  m.own_loss = true;
  return m;
}

/// Source: [vllm] model_executor/models/internlm2.py InternLM2Attention, InternLM2MLP: one field for all biases of attention
Decoder internlm(Fields& c) {
  DecoderLayer layer = gated_layer(c);
  layer.attention.input_bias = layer.attention.output_bias = c.flag({"bias"}, c.text({"model_type"}, "") == "internlm");
  layer.mlp.bias = false;
  return rms_decoder(c, {.vocabulary = 103168, .hidden = 4096, .width = 11008, .layers = 32, .heads = 32}, layer);
}

/// Source: [vllm] model_executor/models/baichuan.py BaiChuanAttention: without `max_position_embeddings` (13B) positions are a bias of the scores
Decoder baichuan(Fields& c) {
  DecoderLayer layer;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "silu");
  const bool rotates = c.has("max_position_embeddings");
  if (!rotates) layer.attention.rotary = AttentionLayer::Rotary::none;
  Decoder m = rms_decoder(c, {.vocabulary = 125696, .hidden = 4096, .width = 11008, .layers = 32, .heads = 32, .positions = 4096}, layer);
  if (!rotates) m.max_positions = c.count({"model_max_length"}, m.max_positions, 1, most_tokens);
  return m;
}

/// Source: [vllm] model_executor/models/chatglm.py GLMBlock, GLMAttention, GLMMLP
Decoder chatglm(Fields& c) {
  DecoderLayer layer;
  layer.mlp.kind = MlpLayer::Kind::gated_fused;
  layer.attention.projection = AttentionLayer::Projection::split;
  layer.attention.rotary = AttentionLayer::Rotary::glued_one_by_one;
  const bool biased = c.flag({"add_bias_linear"}, false);
  layer.attention.input_bias = biased || c.flag({"add_qkv_bias"}, false);
  layer.attention.output_bias = layer.mlp.bias = biased;
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  if (!c.flag({"rmsnorm"}, true)) layer.norm = NormKind::layer;
  const double heads = c.count({"num_attention_heads"}, 32, 1, most_heads);
  const bool grouped = c.flag({"multi_query_attention"}, false);
  Decoder m = plain_decoder(c, {.vocabulary = c.count({"padded_vocab_size"}, 65024, 1, most_vocabulary), .hidden = 4096,
                                .width = c.count({"ffn_hidden_size"}, 13696, 1, most_width), .layers = 28, .heads = heads,
                                .kv_heads = grouped ? c.count({"multi_query_group_num"}, 1, 1, most_heads) : heads,
                                .head_dim = c.count({"kv_channels"}, 128, 1, most_width),
                                .positions = c.count({"seq_length"}, 2048, 1, most_tokens)}, layer);
  if (c.flag({"post_layer_norm"}, true)) m.final_norm = layer.norm;
  rotate_leading_part(m, 0.5);
  return m;
}

/// Source: [vllm] model_executor/models/mimo.py MiMoModel: Qwen2; layers for tokens further ahead are not loaded by it
Decoder mimo(Fields& c) {
  c.value({"attention_bias"});
  return qwen2(c);
}

/// Every `moe_layer_freq`-th layer from the first sparse one on has experts.
/// Source: [vllm] model_executor/models/deepseek_v2.py DeepseekAttention, DeepseekV2MoE
Decoder deepseek(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  ExpertsLayer& e = *layer.experts;
  read_experts(c, e, {64, 6, 1407, {"moe_intermediate_size"}});
  e.router_in_fp32 = e.weights_in_fp32 = true;
  if (c.flag({"norm_topk_prob"}, false)) e.normalised = ExpertsLayer::Normalised::anew;
  e.shared_width = e.width * c.count({"n_shared_experts"}, 0, 0, most_experts);
  Decoder m = rms_decoder(c, {.vocabulary = 102400, .hidden = 4096, .width = 11008, .layers = 30, .heads = 32}, layer);
  dense_layers(c, m, 0);
  const double step = c.count({"moe_layer_freq"}, 1, 1, most_layers);
  for (std::size_t i = 0; i < m.layers.size(); ++i)
    if (std::fmod(static_cast<double>(i), step) != 0) m.layers[i].experts.reset();
  return m;
}

/// A plain MLP as wide as the hidden states behind attention, and experts of the layer's input beside both.
/// Source: [vllm] model_executor/models/arctic.py ArcticDecoderLayer, ArcticMLP, ArcticMoE
Decoder arctic(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  ExpertsLayer& e = *layer.experts;
  read_experts(c, e, {8, 1, 4864, {"intermediate_size"}});
  e.router_in_fp32 = true;
  if (e.top > 1) e.normalised = ExpertsLayer::Normalised::in_place;
  const bool beside = c.flag({"parallel_attn_mlp_res"}, false);
  Decoder m = rms_decoder(c, {.vocabulary = 32000, .hidden = 4096, .width = e.width, .layers = 32, .heads = 32, .positions = 4096}, layer);
  const double step = c.count({"moe_layer_frequency"}, 2, 1, most_layers);
  for (std::size_t i = 0; i < m.layers.size(); ++i) {
    DecoderLayer& l = m.layers[i];
    if (std::fmod(static_cast<double>(i + 1), step) != 0) {
      l.experts.reset();
    } else if (beside) {
      l.order = DecoderLayer::Order::experts_beside;
      l.mlp.width = m.hidden;
    }
  }
  return m;
}

/// Source: [grok-1-code] model.py DecoderLayer: norms around both sub-layers, scores and logits scaled
Decoder grok(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.order = DecoderLayer::Order::sandwich;
  layer.mlp.activation = layer.experts->activation = Activation::gelu;
  layer.attention.softcap = true;
  read_experts(c, *layer.experts, {8, 2, 32768, {"intermediate_size"}});
  layer.experts->router_in_fp32 = true;
  Decoder m = rms_decoder(c, {.vocabulary = 131072, .hidden = 6144, .width = 32768, .layers = 64, .heads = 48, .kv_heads = 8,
                              .positions = 8192, .tied = true}, layer);
  m.embedding_multiplied = m.logits_scaled = true;
  return m;
}

namespace {

bool skipped(const Document* part) {
  const Document* flag = part ? part->find("no_op") : nullptr;
  return flag && flag->is(Document::Kind::boolean) && flag->truth();
}

double field(const Document* part, std::string_view name) {
  const Document* given = part ? part->find(name) : nullptr;
  return given && given->is(Document::Kind::number) ? given->number() : 0;
}

}  // namespace

/// Each layer says how many queries share a key and how wide its MLP is; either part may be left out.
/// Source: [vllm] model_executor/models/nemotron_nas.py DeciLMDecoderLayer, _ffn_mult_to_intermediate_size
Decoder nemotron_nas(Fields& c) {
  Decoder m = rms_decoder(c, {.vocabulary = 128256, .hidden = 8192, .width = 28672, .layers = 80, .heads = 64, .positions = 131072},
                          gated_layer(c));
  const Document* blocks = c.value({"block_configs"});
  if (!blocks || !blocks->is(Document::Kind::list) || blocks->items().size() != m.layers.size()) {
    c.report("block_configs", "wrong-length", "must describe each layer");
    return m;
  }
  for (std::size_t i = 0; i < m.layers.size(); ++i) {
    DecoderLayer& l = m.layers[i];
    const Document *attention = blocks->items()[i].find("attention"), *forward = blocks->items()[i].find("ffn");
    const double group = field(attention, "n_heads_in_group"), multiple = field(forward, "ffn_mult");
    const bool attends = !skipped(attention) && group > 0, feeds = !skipped(forward) && multiple > 0;
    if (attends) l.attention.kv_heads = std::max(1.0, std::floor(l.attention.heads / group));
    else l.attention = AttentionLayer();
    l.mlp.width = feeds ? std::ceil(std::floor(2 * multiple * m.hidden / 3) / 256) * 256 : 0;
    if (attends && feeds) continue;
    l.order = attends || feeds ? DecoderLayer::Order::single : DecoderLayer::Order::nothing;
  }
  return m;
}

}  // namespace gpumem
