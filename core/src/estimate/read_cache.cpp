// Which of its caches transformers fills, and how the quantised one packs.

#include <cmath>

#include "architectures/common.hpp"
#include "estimate/scenario.hpp"

namespace gpumem {
namespace {

/// Source: [transformers] cache_utils.py QuantizedCache: fp8 has one scale a tensor and takes no option
CacheQuantization read_cache_config(Fields& options, Scenario& s) {
  CacheQuantization q;
  Fields config = options.record("cache_config");
  const std::string backend = config.word({"backend"}, "quanto", {"quanto", "hqq", "fp8"});
  using Backend = CacheQuantization::Backend;
  q.backend = backend == "hqq" ? Backend::hqq : backend == "fp8" ? Backend::fp8 : Backend::quanto;
  Document echoed = Document::record({{"backend", backend}});
  if (q.backend != Backend::fp8) {
    constexpr double most_bits = 8, most_group = 1 << 16;
    q.bits = config.count({"nbits"}, q.bits, 1, most_bits);
    q.group = config.count({"q_group_size"}, q.group, 1, most_group);
    q.newest = config.count({"residual_length"}, q.newest, 0, most_tokens);
    const bool hqq = q.backend == Backend::hqq;
    if (q.bits != 2 && q.bits != 4 && !(hqq && q.bits == 8))
      config.report("nbits", "unsupported", text_of({backend, hqq ? " is computed for 2, 4 and 8 bits" : " packs in 2 or 4 bits"}));
    for (const std::string_view axis : {"axis_key", "axis_value"}) {
      const double given = config.number({axis}, 0, -1, 1);
      if (hqq ? given != 0 && given != 1 : given != 0)
        config.report(axis, "unsupported", hqq ? "must be 0 or 1" : "quanto's cache is computed for the axis 0, transformers' default");
      echoed.append(std::string(axis), given);
    }
    echoed.append("nbits", q.bits);
    echoed.append("q_group_size", q.group);
    echoed.append("residual_length", q.newest);
  }
  config.refuse_unknown();
  s.engine_options.set("cache_config", std::move(echoed));
  return q;
}

}  // namespace

void read_cache_options(Fields& options, Scenario& s) {
  // Names of older versions stand for the static cache, whose layers with a window keep no more than that.
  // Source: [transformers] generation/configuration_utils.py DEPRECATED_STATIC_CACHE_IMPLEMENTATIONS
  const std::string cache = options.word({"cache_implementation"}, "dynamic", {"dynamic", "static", "quantized", "hybrid", "sliding_window", "hybrid_chunked"});
  s.inference.fixed_cache = cache != "dynamic" && cache != "quantized";
  s.engine_options.set("cache_implementation", cache);
  if (cache == "quantized") s.inference.packed_cache = read_cache_config(options, s);
}

/// Source: [transformers] cache_utils.py QuantizedCache.__init__; generation/utils.py _prepare_cache_for_generation
void check_packed_cache(Fields& request, Scenario& s) {
  if (!s.inference.packed_cache) return;
  const auto refuse = [&](std::string message) { request.report("engine.options.cache_implementation", "unsupported", std::move(message)); };
  if (s.engine != "transformers") return refuse("the quantised cache is transformers'");
  if (!s.model) return refuse("a quantised cache is computed for decoders with a program of their own");
  if (s.draft) return refuse("a quantised cache cannot be cut back, which checking a draft needs");
  for (const DecoderLayer& l : s.model->layers) {
    if (l.mixer || l.attention.window > 0) return refuse("transformers quantises the cache of models whose layers all attend to every token");
    if (l.attention.latent) return refuse("a quantised cache is not computed for latent attention yet");
    const CacheQuantization& q = *s.inference.packed_cache;
    if (q.backend != CacheQuantization::Backend::fp8 && std::fmod(l.attention.kv_heads * l.attention.head_dim, q.group) != 0)
      return request.report("engine.options.cache_config", "contradiction", text_of({"q_group_size must divide the numbers of one token's keys, ", number_text(l.attention.kv_heads * l.attention.head_dim)}));
  }
}

}  // namespace gpumem
