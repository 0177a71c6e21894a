#include "quantization/tensor_names.hpp"

#include <algorithm>
#include <array>

#include "quantization/mix.hpp"

namespace gpumem {
namespace {

using enum Conversion;

// The first row whose last parts are those of the name counts: longer rows come before shorter ones.
constexpr TensorName names[] = {
    {"embed_tokens_per_layer", "per_layer_token_embd"}, {"embed_tokens", "token_embd"}, {"word_embeddings", "token_embd"},
    {"tok_embeddings", "token_embd"}, {"embed_in", "token_embd"}, {"wte", "token_embd"}, {"embeddings", "token_embd"},
    {"lm_head", "output"}, {"embed_out", "output"},
    {"wpe", "position_embd", single}, {"embed_positions", "position_embd", single},
    {"token_type_embeddings", "token_types", single}, {"position_embeddings", "position_embd", single},
    {"embeddings.LayerNorm", "token_embd_norm", single}, {"word_embeddings_layernorm", "token_embd_norm", single},
    // attention
    {"indexer.weights_proj", "indexer.proj", single}, {"indexer.wq_b", "indexer.attn_q_b"}, {"indexer.wk", "indexer.attn_k"},
    {"q_a_proj", "attn_q_a"}, {"q_b_proj", "attn_q_b"}, {"kv_a_proj_with_mqa", "attn_kv_a_mqa"}, {"kv_b_proj", "attn_kv_b", latent},
    {"self.query", "attn_q"}, {"self.key", "attn_k"}, {"self.value", "attn_v"},
    {"q_proj", "attn_q"}, {"k_proj", "attn_k"}, {"v_proj", "attn_v"}, {"qkv_proj", "attn_qkv"}, {"query_key_value", "attn_qkv"},
    {"c_attn", "attn_qkv"}, {"W_pack", "attn_qkv"}, {"Wqkv", "attn_qkv"},
    {"o_proj", "attn_output"}, {"self_attn.out_proj", "attn_output"}, {"attention.out_proj", "attn_output"},
    {"attn.c_proj", "attn_output"}, {"attention.output.dense", "attn_output"}, {"attention.dense", "attn_output"}, {"self_attention.dense", "attn_output"}, {"self_attn.dense", "attn_output"},
    // routers
    {"shared_expert_gate", "ffn_gate_inp_shexp", single}, {"router", "ffn_gate_inp", single}, {"router.layer", "ffn_gate_inp", single},
    {"mlp.gate", "ffn_gate_inp", single}, {"block_sparse_moe.gate", "ffn_gate_inp", single}, {"feed_forward.gate", "ffn_gate_inp", single},
    {"mixer.gate", "ffn_gate_inp", single},
    // experts as one tensor
    {"experts.gate_up_proj", "ffn_gate_exps", halves}, {"experts.gate_proj", "ffn_gate_exps"}, {"experts.up_proj", "ffn_up_exps"},
    {"experts.down_proj", "ffn_down_exps"},
    {"moe.input_linear", "ffn_gate_exps", halves}, {"moe.output_linear", "ffn_down_exps"},
    {"shared_mlp.input_linear", "ffn_gate_shexp", halves}, {"shared_mlp.output_linear", "ffn_down_shexp"},
    // feed-forward; shared experts and experts one by one are told from these by their place
    {"gate_up_proj", "ffn_up"}, {"gate_proj", "ffn_gate"}, {"up_proj", "ffn_up"}, {"down_proj", "ffn_down"},
    {"w1", "ffn_gate"}, {"w3", "ffn_up"}, {"w2", "ffn_down"}, {"fc1", "ffn_up"}, {"fc2", "ffn_down"},
    {"dense_h_to_4h", "ffn_up"}, {"dense_4h_to_h", "ffn_down"}, {"mlp.c_fc", "ffn_up"}, {"mlp.c_proj", "ffn_down"},
    {"mlp.c_fc_0", "ffn_gate"}, {"mlp.c_fc_1", "ffn_up"},
    // state spaces, short convolutions, linear attention
    {"conv1d", "ssm_conv1d", single}, {"A_log", "ssm_a", single}, {"conv.conv", "shortconv.conv", single},
    {"conv.in_proj", "shortconv.in_proj"}, {"conv.out_proj", "shortconv.out_proj"},
    {"linear_attn.in_proj_qkvz", "attn_qkv", gated}, {"linear_attn.in_proj_qkv", "attn_qkv"}, {"linear_attn.in_proj_z", "attn_gate"},
    {"linear_attn.in_proj_ba", "ssm_ba"}, {"linear_attn.in_proj_b", "ssm_beta"}, {"linear_attn.in_proj_a", "ssm_alpha"},
    {"in_proj", "ssm_in"}, {"out_proj", "ssm_out"}, {"x_proj", "ssm_x"}, {"dt_proj", "ssm_dt"},
};

constexpr std::array<std::string_view, 8> towers = {"visual.", "vision_", "vision.", "projector", "audio_tower",
                                                    "image_newline", "vit_", "embed_tokens_extend"};

bool has(std::string_view name, std::string_view part) { return name.find(part) != std::string_view::npos; }

std::string_view without_weight(std::string_view name) {
  constexpr std::string_view end = ".weight";
  return name.ends_with(end) ? name.substr(0, name.size() - end.size()) : name;
}

bool ends_with_parts(std::string_view name, std::string_view parts) {
  return name.ends_with(parts) && (name.size() == parts.size() || name[name.size() - parts.size() - 1] == '.');
}

}  // namespace

const TensorName* find_tensor_name(std::string_view hugging_face) {
  const std::string_view name = without_weight(hugging_face);
  for (const TensorName& row : names)
    if (ends_with_parts(name, row.hugging_face)) return &row;
  return nullptr;
}

std::uint32_t gguf_roles(std::string_view n) {
  if (n == "output") return role::head;
  if (n == "token_embd" || n == "per_layer_token_embd") return role::embedding;
  if (n == "attn_qkv") return role::joint;
  if (n.ends_with("attn_v") || n == "attn_kv_b") return role::value;
  if (n.ends_with("attn_k")) return role::key;
  if (n.ends_with("attn_q")) return role::query;
  if (n == "attn_output") return role::output;
  if (has(n, "gate_inp")) return role::router;
  if (has(n, "ffn_up")) return role::up;
  if (has(n, "ffn_gate")) return role::gate;
  if (has(n, "ffn_down")) return role::down;
  if (has(n, "conv1d") || n == "shortconv.conv") return role::convolution;
  return has(n, "position_embd") || has(n, "token_types") ? role::position : role::other;
}

bool beside_the_text(std::string_view name) {
  return std::any_of(towers.begin(), towers.end(), [&](std::string_view tower) { return has(name, tower); });
}

std::uint32_t tensor_roles(std::string_view name, const Shape& shape) {
  if (shape.rank < 2 || name.ends_with("bias") || has(name, "norm")) return 0;
  const TensorName* row = find_tensor_name(name);
  std::uint32_t roles = row ? gguf_roles(row->gguf) : role::other;
  if (shape.rank > 2 && roles != role::convolution) roles |= has(name, "experts") || has(name, "linear") ? role::stacked : role::convolution;
  if (beside_the_text(name)) roles |= role::vision;
  return roles;
}

}  // namespace gpumem
