// Weights and cache of engines whose step is not known here.

#include <algorithm>
#include <cmath>

#include "estimate/answer.hpp"
#include "estimate/explain.hpp"
#include "estimate/quick.hpp"
#include "estimate/weights_of.hpp"
#include "machine/machine.hpp"
#include "quantization/tensor_names.hpp"

namespace gpumem {
namespace {

struct LocalCache {
  Bytes per_token, all, unpacked;   ///< of the model; what one layer's takes while it is read
};

/// V3's kernels read packed keys and values where heads have 2^n numbers, up to 512; else a layer's are unpacked whole, as V2
/// does always.
/// Source: [exllamav3] exllamav3/modules/attention_fn/dispatch.py attn_dispatch, of version 1.4.1; [exllamav2] exllamav2/cache.py touch_device
bool unpacks(const Scenario& s, double head) {
  constexpr double widest = 512;
  const bool read_packed = s.engine == "exllamav3" && head <= widest && std::exp2(std::floor(std::log2(head))) == head;
  return s.local.exllama.packed() && !read_packed;
}

LocalCache cache_of(const Scenario& s) {
  LocalCache c;
  const bool mlx = s.engine == "mlx";
  const double rows = mlx ? mlx_rows(s.local.mlx) * s.inference.sequences : s.local.cache_tokens;
  for (const DecoderLayer& l : s.model->layers) {
    const double numbers = l.attention.kv_heads * l.attention.head_dim;
    const Bytes row = mlx ? mlx_row(s.local.mlx, numbers, *s.weight_format()) * 2 : exllama_row(s.local.exllama, numbers);
    c.per_token += row;
    c.all += row * rows;
    if (!mlx && unpacks(s, l.attention.head_dim)) c.unpacked = std::max(c.unpacked, stored_bytes(elements(2 * numbers * rows), *fp16));
  }
  return c;
}

bool is_table(const StoredTensor& t) { return (tensor_roles(t.name, t.shape) & role::embedding) != 0; }

/// ExLlama's token table stays in main memory; a head of its own is made where the model shares it.
/// Source: [exllamav2] exllamav2/model.py set_device_map; [exllamav3] exllamav3/modules/embedding.py: prefer_cpu
StoredTensors on_gpu(const Scenario& s, StoredTensors& host) {
  StoredTensors all = tensors_of(s);
  if (s.engine == "mlx") return all;
  for (const StoredTensor& t : all)
    if (is_table(t)) host.push_back(t);
  std::erase_if(all, is_table);
  if (s.model->tied && !host.empty()) all.push_back({"lm_head.weight", host.front().shape, -1, 1});
  return all;
}

Bytes held(const StoredWeights& w) {
  Bytes sum;
  for (const Alive& a : w.tensors) sum += a.raw() * a.copies;
  return sum;
}

void say(Scenario& s, const LocalCache& c) {
  const auto tell = [&](const char* id, std::string message) { s.assumptions.push_back({id, std::move(message)}); };
  tell("activations-unknown", text_of({"Weights and cache are exact; what a step of ", s.engine, " holds beside them (activations of a pass, logits, buffers of its kernels) is not known here and not counted: the real figure is higher."}));
  if (s.engine == "mlx") {
    tell("unified-memory", "MLX shares the machine's memory with everything else; the limit is the share of it that the system lends the GPU. Freed buffers that MLX keeps for later are not counted.");
    if (s.inference.sequences > 1) tell("equal-lengths", "All sequences are as long as the longest: their rows are made together.");
  } else if (c.unpacked > Bytes()) {
    tell("cache-unpacked", "Beside the packed cache lie keys and values of one layer in fp16, at the size of all its tokens.");
  }
}

}  // namespace

Document answer_for_local(const Scenario& given) {
  Scenario s = given;
  StoredTensors table;
  const StoredTensors tensors = on_gpu(s, table);
  const StoredWeights stored = weights_of(s, tensors), on_host = weights_of(s, table);
  const LocalCache cache = cache_of(s);
  double total = 0;
  const StoredTensors all = tensors_of(s);
  for (const StoredTensor& t : all) total += in(elements, t.shape.count()) * t.copies;
  Parts parts;
  parts[Component::weights] = held(stored);
  parts[Component::kv_cache] = cache.all;
  parts[Component::workspace] = cache.unpacked;
  say(s, cache);
  Document devices = Document::list();
  devices.push(device_document(s, parts, "decode"));
  if (const Bytes of_table = held(on_host); of_table > Bytes()) {
    Parts main;
    main[Component::weights] = of_table;
    devices.push(device_document(s, main, "load", "host", {}));
  }
  const Bytes file = stored.file + on_host.file;
  Document answer = Document::record(
      {{"ok", true},
       {"scenario", completed(s)},
       {"parameters", Document::record({{"total", total}, {"active", active_parameters(s, all)}, {"trainable", 0}})},
       {"devices", std::move(devices)},
       {"modelFile", Document::record({{"tensorBytes", file}, {"bitsPerWeight", in(bytes, file) * 8 / total}})},
       {"kvCache", Document::record({{"bytesPerToken", cache.per_token}, {"bytesPerSequence", cache.all * (1 / s.inference.sequences)}, {"bytes", cache.all}})},
       {"quickEstimate", quick_estimate(s, total)}});
  if (s.detail != Detail::summary) answer.append("explanations", explanations_for_count(s, total));
  answer.append("assumptions", assumptions_document(s));
  return answer;
}

}  // namespace gpumem
