#include "quantization/gguf_model.hpp"

#include <cmath>

namespace gpumem {
namespace {

using Names = std::initializer_list<std::string_view>;

double number(const Document& c, Names names, double absent = 0) {
  for (const std::string_view name : names)
    if (const Document* v = c.find(name); v && v->is(Document::Kind::number)) return v->number();
  return absent;
}

bool flag(const Document& c, std::string_view name) {
  const Document* v = c.find(name);
  return v && v->is(Document::Kind::boolean) && v->truth();
}

double kv_heads(const Document& c, double heads) {
  if (flag(c, "multi_query") && !flag(c, "new_decoder_architecture")) return 1;
  return number(c, {"num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num"}, heads);
}

/// Model types whose routers have a bias for the choice in a buffer. Where it is a parameter, it is a tensor like the others.
/// Source: [transformers] modeling files: nn.Buffer e_score_correction_bias, expert_bias
constexpr std::string_view biased_choice[] = {"deepseek_v3", "deepseek_v32", "dots1", "exaone_moe", "glm4_moe", "glm4_moe_lite",
                                              "glm4v_moe_text", "glm_moe_dsa", "hy_v3", "kimi_k2", "kimi_linear", "lfm2_moe",
                                              "mimo_v2_flash", "minimax_m2", "nemotron_h", "solar_open"};

/// One table of half a head where frequencies are stretched by a list, two where there is one for long texts besides.
/// Source: [llama-cpp-conversion] generate_extra_tensors of conversion/llama.py, conversion/phi.py
double rotary_factors(const Document& c, double head_dim) {
  for (const std::string_view name : {"rope_parameters", "rope_scaling"}) {
    const Document* scaling = c.find(name);
    if (!scaling || !scaling->is(Document::Kind::record)) continue;
    for (const std::string_view key : {"rope_type", "type"})
      if (const Document* type = scaling->find(key)) {
        if (type->text() == "llama3") return head_dim / 2;
        if (type->text() == "longrope") return 2 * std::floor(head_dim * number(c, {"partial_rotary_factor"}, 1) / 2);
      }
  }
  return 0;
}

}  // namespace

GgufModel gguf_model(const Document& config) {
  const Document* text = config.find("text_config");
  const Document& c = text && text->is(Document::Kind::record) ? *text : config;
  GgufModel m;
  if (const Document* type = config.find("model_type")) m.type = type->text();
  m.layers = number(c, {"num_hidden_layers", "n_layer", "num_layers"});
  m.hidden = number(c, {"hidden_size", "n_embd", "d_model"});
  m.heads = number(c, {"num_attention_heads", "n_head", "n_heads"});
  m.kv_heads = kv_heads(c, m.heads);
  m.experts = number(c, {"num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"});
  m.key_part = number(c, {"qk_nope_head_dim"});
  m.value_part = number(c, {"v_head_dim"});
  m.gate_rows = number(c, {"linear_num_value_heads"}) * number(c, {"linear_value_head_dim"});
  const Document* inner = c.find("model_type");
  for (const std::string_view type : biased_choice) m.chooses_by_bias = m.chooses_by_bias || type == m.type || (inner && type == inner->text());
  m.rotary_factors = rotary_factors(c, number(c, {"head_dim"}, m.heads > 0 ? m.hidden / m.heads : 0));
  return m;
}

int layer_in(std::string_view name) {
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t end = std::min(name.find('.', at), name.size());
    const std::string_view part = name.substr(at, end - at);
    if (!part.empty() && part.size() < 6 && part.find_first_not_of("0123456789") == std::string_view::npos) {
      int layer = 0;
      for (const char c : part) layer = layer * 10 + (c - '0');
      return layer;
    }
    at = end + 1;
  }
  return -1;
}

}  // namespace gpumem
