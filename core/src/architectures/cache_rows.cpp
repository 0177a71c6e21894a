// Source: [transformers] cache_utils.py DynamicCache, DynamicSlidingWindowLayer, LinearAttentionLayer

#include "architectures/cache_rows.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>

#include "architectures/architecture.hpp"
#include "architectures/expression.hpp"

namespace gpumem {
namespace {

using Names = std::initializer_list<std::string_view>;

/// The language model's fields, with the defaults of its class; 0 where there is no such field.
class Reader {
 public:
  Reader(Scope& scope, Evaluation& e) : scope_(scope), e_(e) {}

  const Document* find(std::string_view name) {
    if (!scope_.knows(name)) return nullptr;
    const Document& value = scope_.get(name, e_);
    return value.is(Document::Kind::null) ? nullptr : &value;
  }
  double number(Names names) {
    for (const std::string_view name : names)
      if (const Document* v = find(name); v && v->is(Document::Kind::number) && v->number() >= 0 && v->number() < 1e9) return v->number();
    return 0;
  }
  bool flag(std::string_view name) {
    const Document* v = find(name);
    return v && v->is(Document::Kind::boolean) && v->truth();
  }
  const Document* list(Names names) {
    for (const std::string_view name : names)
      if (const Document* v = find(name); v && v->is(Document::Kind::list)) return v;
    return nullptr;
  }

 private:
  Scope& scope_;
  Evaluation& e_;
};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// Heads of keys and values; one where all queries share one.
double kv_heads(Reader& r, double heads) {
  if (r.flag("multi_query") && !r.flag("new_decoder_architecture")) return 1;
  const double given = r.number({"num_key_value_heads", "num_kv_heads", "n_head_kv"});
  return given > 0 ? given : heads;
}

/// Keys and values of one token in one attention layer; where they are compressed, the latent and the shared rotary key.
double attention_row(Reader& r) {
  if (const double latent = r.number({"kv_lora_rank"}); latent > 0) return latent + r.number({"qk_rope_head_dim"});
  const double hidden = r.number({"hidden_size", "n_embd", "d_model"});
  const double heads = r.number({"num_attention_heads", "n_head", "n_heads", "decoder_attention_heads", "num_heads"});
  if (heads < 1) return 0;
  const double given = r.number({"head_dim", "attention_head_dim", "kv_channels", "d_kv"});
  const double dim = given > 0 ? given : std::floor(hidden / heads);
  return 2 * kv_heads(r, heads) * dim;
}

/// A state-space layer: the convolution's last inputs in the weights' format, the state in fp32.
void add_state_space(Reader& r, double layers, std::vector<CacheRow>& rows) {
  const double state = r.number({"mamba_d_state", "ssm_state_size", "state_size"});
  const double kernel = r.number({"mamba_d_conv", "conv_kernel", "conv_kernel_size"});
  const double heads = r.number({"mamba_n_heads", "mamba_num_heads", "n_mamba_heads"});
  const double hidden = r.number({"hidden_size"});
  const double head_dim = r.number({"mamba_d_head", "mamba_head_dim", "mamba_headdim"});
  const double expand = r.number({"mamba_expand", "expand"});
  const bool by_heads = heads > 0 && head_dim > 0;
  const bool second = by_heads || r.number({"num_heads"}) > 0;
  const double mamba2_heads = heads > 0 ? heads : r.number({"num_heads"}), mamba2_dim = head_dim > 0 ? head_dim : r.number({"head_dim"});
  double inner = second ? mamba2_heads * mamba2_dim : r.number({"intermediate_size"});
  if (!second && expand > 0) inner = expand * hidden;
  const double groups = second ? std::max(1.0, r.number({"mamba_n_groups", "n_groups"})) : 0;
  if (inner * state * kernel == 0) return;
  rows.push_back({"convolution state", layers, 0, 0, (inner + 2 * groups * state) * kernel, true, false});
  rows.push_back({"state", layers, 0, 0, inner * state, true, true});
}

/// A gated delta-rule layer.
void add_delta_rule(Reader& r, double layers, std::vector<CacheRow>& rows) {
  const double keys = r.number({"linear_num_key_heads"}), key = r.number({"linear_key_head_dim"});
  const double values = r.number({"linear_num_value_heads"}), value = r.number({"linear_value_head_dim"});
  rows.push_back({"convolution state", layers, 0, 0, (2 * keys * key + values * value) * r.number({"linear_conv_kernel_dim"}), true, false});
  rows.push_back({"state", layers, 0, 0, values * key * value, true, true});
}

struct LayerCounts {
  double full = 0, windowed = 0, linear = 0, convolution = 0;
  bool all_known = true;
};

LayerCounts counted(Reader& r, double layers) {
  LayerCounts n;
  const Document* types = r.list({"layer_types", "layers_block_type", "layer_block_types", "block_types"});
  if (!types) {
    (r.number({"sliding_window"}) > 0 && (!r.find("use_sliding_window") || r.flag("use_sliding_window")) ? n.windowed : n.full) = layers;
    return n;
  }
  for (const Document& type : types->items()) {
    const std::string& t = type.text();
    if (contains(t, "sliding") || contains(t, "chunked")) ++n.windowed;
    else if (t == "hybrid") ++n.full, ++n.linear;
    else if (contains(t, "linear") || contains(t, "mamba") || contains(t, "recurrent")) ++n.linear;
    else if (t == "conv") ++n.convolution;
    else if (contains(t, "attention")) ++n.full;
    else if (t != "moe" && t != "mlp") n.all_known = false;
  }
  return n;
}

/// Descends to the language model of a model with several parts.
Scope* language_scope(Scope& outer, Evaluation& e) {
  Scope* scope = &outer;
  for (int depth = 0; depth < 4; ++depth) {
    const Document* inner = scope->inventory() ? scope->inventory()->find("configs") : nullptr;
    if (!inner) return scope;
    const std::array<std::string_view, 6> names = {"text_config", "language_config", "llm_config", "thinker_config", "decoder_config", "decoder"};
    const auto found = std::find_if(names.begin(), names.end(), [&](std::string_view n) { return inner->find(n) != nullptr; });
    if (found == names.end()) return scope;
    scope = scope->at(*found, e);
    if (!scope) return nullptr;
  }
  return scope;
}

/// Whether a class of that name writes text token by token.
bool generates(std::string_view name) {
  return contains(name, "ForCausalLM") || contains(name, "ForConditionalGeneration") || contains(name, "LMHead") ||
         contains(name, "ForImageTextToText") || contains(name, "ForSpeechSeq2Seq");
}

}  // namespace

Shape CacheRow::shape(double context, double sequences) const {
  if (per_token == 0) return {sequences, per_sequence};
  return {sequences, window > 0 ? std::min(context, window) : context, per_token};
}

/// The name of the class that a configuration is for.
static std::string class_name(const Document& config, const Scope& outer) {
  const Document* named = config.find("architectures");
  const Document* main = outer.inventory() ? outer.inventory()->find("main") : nullptr;
  return named && !named->items().empty() ? named->items()[0].text() : main ? main->text() : "";
}

CacheRows read_cache_rows(const Document& config, const Document& library) {
  CacheRows made;
  Evaluation e;
  const Document* type = config.find("model_type");
  Scope outer(library, type ? type->text() : "", &config, nullptr, "");
  if (!generates(class_name(config, outer))) {   // nothing is kept between passes
    made.known = true;
    return made;
  }
  Scope* scope = language_scope(outer, e);
  if (!scope) return made;
  Reader r(*scope, e);
  const double layers = r.number({"num_decoder_layers", "decoder_layers", "num_hidden_layers", "n_layer", "n_layers", "num_layers"});
  const bool encoder_decoder = r.flag("is_encoder_decoder") || r.number({"decoder_layers"}) > 0;
  const double row = attention_row(r);
  LayerCounts n = counted(r, layers);
  const double state = r.number({"mamba_d_state", "ssm_state_size", "state_size"});
  const bool only_state = state > 0 && r.number({"num_attention_heads"}) == 0;
  if (only_state) n = {0, 0, layers, 0, true};
  if (state > 0 && !only_state && !r.list({"layer_types", "layers_block_type"})) n.linear = layers;
  made.known = !e.failed() && n.all_known && layers > 0 && (row > 0 || only_state) && !encoder_decoder;
  if (!made.known) return made;
  if (n.full > 0) made.rows.push_back({"keys and values", n.full, row});
  if (n.windowed > 0) made.rows.push_back({"keys and values in a window", n.windowed, row, r.number({"sliding_window", "attention_chunk_size"})});
  if (n.convolution > 0) made.rows.push_back({"convolution state", n.convolution, 0, 0, r.number({"hidden_size"}) * r.number({"conv_L_cache"}), true, false});
  if (n.linear > 0 && r.number({"linear_num_value_heads"}) > 0) add_delta_rule(r, n.linear, made.rows);
  else if (n.linear > 0 && state > 0) add_state_space(r, n.linear, made.rows);
  else if (n.linear > 0) made = {};
  if (e.failed()) made = {};
  return made;
}

LayerFields read_layer_fields(const Document& config, const Document& library) {
  LayerFields made;
  Evaluation e;
  const Document* type = config.find("model_type");
  Scope outer(library, type ? type->text() : "", &config, nullptr, "");
  made.generates = generates(class_name(config, outer));
  Scope* scope = language_scope(outer, e);
  if (!scope) return made;
  Reader r(*scope, e);
  made.generates = made.generates || (has_program(outer.type()) && !r.flag("use_bidirectional_attention"));
  made.state = r.number({"mamba_d_state", "ssm_state_size", "state_size", "linear_key_head_dim", "linear_head_dim"});
  const double window = r.number({"sliding_window", "attention_chunk_size"});
  const Document* types = r.list({"layer_types", "layers_block_type"});
  if (types && window > 0)
    for (const Document& t : types->items())
      made.windows.push_back(contains(t.text(), "sliding") || contains(t.text(), "chunked") ? window : 0);
  return made;
}

}  // namespace gpumem
