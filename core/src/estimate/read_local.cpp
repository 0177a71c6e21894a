// Options of mlx-lm (by the names of its command) and of ExLlama (by those of TabbyAPI, which runs it).

#include <cmath>

#include "architectures/common.hpp"
#include "estimate/scenario.hpp"

namespace gpumem {
namespace {

/// Source: [mlx-lm] mlx_lm/generate.py setup_arg_parser, generate_step
void read_mlx(Fields& o, Scenario& s) {
  MlxCache& c = s.local.mlx;
  constexpr double least_chunk = 16, least_rows = 8;
  c.chunk = o.count({"prefill_step_size"}, c.chunk, least_chunk, most_tokens);
  c.most_rows = o.count({"max_kv_size"}, 0, least_rows, most_tokens);
  const double bits = o.count({"kv_bits"}, 0, 2, 8);
  if (bits == 7) o.report("kv_bits", "unsupported", "MLX packs numbers in 2, 3, 4, 5, 6 or 8 bits");
  c.bits = bits;
  c.group = o.count({"kv_group_size"}, c.group, 32, 128);
  if (c.group != 32 && c.group != 64 && c.group != 128) o.report("kv_group_size", "unsupported", "must be 32, 64 or 128");
  c.quantized_from = o.count({"quantized_kv_start"}, c.quantized_from, 0, most_tokens);
  if (c.bits > 0 && c.most_rows > 0) o.report("kv_bits", "contradiction", "mlx-lm does not quantise a cache that max_kv_size limits");
  s.engine_options.set("prefill_step_size", c.chunk);
  if (c.most_rows > 0) s.engine_options.set("max_kv_size", c.most_rows);
  if (c.bits == 0) return;
  s.engine_options.set("kv_bits", c.bits);
  s.engine_options.set("kv_group_size", c.group);
  s.engine_options.set("quantized_kv_start", c.quantized_from);
}

void read_exllama(Fields& o, Scenario& s) {
  const bool third = s.engine == "exllamav3";
  const std::string mode = o.text({"cache_mode"}, "FP16");
  if (!exllama_cache_of(mode, third, s.local.exllama))
    o.report("cache_mode", "unknown-word", text_of({"must be FP16, ", third ? "Q8, Q6, Q4 or bits of keys and of values such as \"8,4\"" : "FP8, Q8, Q6 or Q4", "; not ", quoted(mode)}));
  s.local.cache_tokens = o.count({"cache_size"}, 0, 1, 1e12);
  s.engine_options.set("cache_mode", mode);
}

bool begins(std::string_view text, std::initializer_list<std::string_view> with) {
  for (const std::string_view one : with)
    if (text.starts_with(one)) return true;
  return false;
}

void check_local_weights(Fields& request, const Scenario& s) {
  const bool half = s.weights == "fp16" || s.weights == "bf16";
  const auto refuse = [&](std::string_view kinds) { request.report("weights", "contradiction", text_of({s.engine, " reads weights of ", kinds, ", not ", quoted(s.weights)})); };
  if (s.engine == "mlx" && !half && s.weights != "fp32" && !begins(s.weights, {"mlx-"})) refuse("mlx-4-64 and kin, fp16, bf16 and fp32");
  if (s.engine == "exllamav2" && !half && !begins(s.weights, {"exl2-", "gptq-4-"})) refuse("exl2, gptq with 4 bits, fp16 and bf16");
  if (s.engine == "exllamav3" && !half && !begins(s.weights, {"exl3-"})) refuse("exl3, fp16 and bf16");
}

}  // namespace

bool runs_locally(std::string_view engine) { return engine == "mlx" || engine == "exllamav2" || engine == "exllamav3"; }

void read_local_options(Fields& options, Scenario& s) {
  if (s.engine == "mlx") read_mlx(options, s);
  else read_exllama(options, s);
}

void complete_local(Fields& request, Scenario& s) {
  if (!runs_locally(s.engine)) return;
  check_local_weights(request, s);
  if (!s.model) return request.report("model", "unsupported", text_of({s.engine, " is computed for decoders with a program of their own"}));
  for (const DecoderLayer& l : s.model->layers) {
    if (l.mixer || l.attention.latent) return request.report("model", "unsupported", text_of({"what ", s.engine, " keeps for this architecture's layers is not computed yet"}));
    if (l.attention.window > 0 && s.engine != "exllamav2")
      return request.report("model", "unsupported", text_of({s.engine, " decides by the class of the model what layers with a window keep; it is not computed yet"}));
    if (s.local.mlx.bits > 0 && std::fmod(l.attention.head_dim, s.local.mlx.group) != 0)
      return request.report("engine.options.kv_group_size", "contradiction", text_of({"must divide the numbers of a head, ", number_text(l.attention.head_dim)}));
  }
  const InferenceScenario& i = s.inference;
  s.local.mlx.prompt = i.prompt_tokens;
  s.local.mlx.context = i.context_tokens;
  if (s.engine == "mlx") return;
  const double asked = i.sequences * exllama_tokens(i.context_tokens);
  s.local.cache_tokens = s.local.cache_tokens > 0 ? exllama_tokens(s.local.cache_tokens) : asked;
  s.engine_options.set("cache_size", s.local.cache_tokens);
  if (s.local.cache_tokens < asked) request.report("engine.options.cache_size", "contradiction", text_of({"does not hold the sequences asked for, ", number_text(asked), " tokens"}));
}

}  // namespace gpumem
