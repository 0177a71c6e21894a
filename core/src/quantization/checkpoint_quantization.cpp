#include "quantization/checkpoint_quantization.hpp"

#include "gpumem/number_text.hpp"
#include "quantization/mix.hpp"

namespace gpumem {
namespace {

/// A record of which nothing is known: what is not there or of another kind reads as empty.
struct Loose {
  const Document* record = nullptr;

  [[nodiscard]] Loose in(std::string_view name) const { return {record ? record->find(name) : nullptr}; }
  [[nodiscard]] std::string text(std::string_view name) const {
    const Document* v = record ? record->find(name) : nullptr;
    return v && v->is(Document::Kind::text) ? v->text() : "";
  }
  [[nodiscard]] std::string number(std::string_view name, std::string_view absent) const {
    const Document* v = record ? record->find(name) : nullptr;
    return v && v->is(Document::Kind::number) ? number_text(v->number()) : std::string(absent);
  }
  [[nodiscard]] bool flag(std::string_view name) const {
    const Document* v = record ? record->find(name) : nullptr;
    return v && v->is(Document::Kind::boolean) && v->truth();
  }
};

std::string with_bits_and_group(const char* prefix, const Loose& q, std::string_view bits, std::string_view group) {
  return prefix + q.number("bits", bits) + "-" + q.number("group_size", group);
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// Source: [compressed-tensors] quantization/quant_scheme.py: one scheme for each group of layers; the first one counts
std::string compressed(const Loose& q) {
  const Document* groups = q.in("config_groups").record;
  if (!groups || !groups->is(Document::Kind::record) || groups->members().empty()) return "";
  const Loose weights = Loose{&groups->members().front().second}.in("weights");
  const std::string bits = weights.number("num_bits", "4"), group = weights.number("group_size", "-1"), layout = q.text("format");
  if (has(layout, "nvfp4")) return "nvfp4";
  if (has(layout, "mxfp4")) return "mxfp4";
  if (weights.text("type") == "float") {
    const std::string strategy = weights.text("strategy");
    return strategy == "block" ? "fp8-block" : strategy == "channel" ? "fp8-channel" : "fp8";
  }
  if (layout == "int-quantized") return "w8a8";
  return "w" + bits + "a16-" + group;
}

std::string torchao(const Loose& q) {
  const std::string type = q.text("quant_type");
  if (has(type, "int4")) return "torchao-int4-" + q.in("quant_type_kwargs").number("group_size", "128");
  return has(type, "int8") ? "torchao-int8" : has(type, "float8") ? "fp8" : "";
}

std::string bits_and_bytes(const Loose& q) {
  if (q.flag("load_in_8bit") || q.flag("_load_in_8bit")) return "int8";
  const std::string type = q.text("bnb_4bit_quant_type");
  return (type.empty() ? "fp4" : type) + (q.flag("bnb_4bit_use_double_quant") ? "-dq" : "");
}

/// A checkpoint of a quantiser that gives bits on the average: the nearest row there is.
std::string average(const char* prefix, const Loose& q) {
  std::string bits = q.number("bits", "4");
  if (!has(bits, ".")) bits += ".0";
  return prefix + bits;
}

std::string mix_id(const std::string& method, const Loose& q) {
  if (method == "mxfp4") return "mxfp4";
  if (method == "fp8") return q.in("weight_block_size").record ? "fp8-block" : "fp8";
  if (method == "fbgemm_fp8") return "fp8-channel";
  if (method == "gptq") return with_bits_and_group("gptq-", q, "4", "128");
  if (method == "awq") return with_bits_and_group("awq-", q, "4", "128");
  if (method == "bitsandbytes") return bits_and_bytes(q);
  if (method == "hqq") return "hqq-" + q.in("quant_config").in("weight_quant_params").number("nbits", "4") + "-" + q.in("quant_config").in("weight_quant_params").number("group_size", "64");
  if (method == "compressed-tensors") return compressed(q);
  if (method == "torchao") return torchao(q);
  if (method == "aqlm") return q.number("num_codebooks", "1") == "1" ? "aqlm-1x16" : "aqlm-2x8";
  if (method == "exl2") return average("exl2-", q);
  if (method == "exl3") return average("exl3-", q);
  if (method == "modelopt") return has(q.text("quant_algo"), "NVFP4") ? "nvfp4" : "fp8";
  if (method == "mlx") return with_bits_and_group("mlx-", q, "4", "64");
  return "";
}

}  // namespace

CheckpointQuantization checkpoint_quantization(const Document& config) {
  CheckpointQuantization found;
  Loose q = Loose{&config}.in("quantization_config");
  if (q.record && q.record->is(Document::Kind::record)) {
    found.method = q.text("quant_method");
    if (found.method.empty()) found.method = "bitsandbytes";
  } else if (q = Loose{&config}.in("quantization"); q.record && q.record->is(Document::Kind::record)) {
    found.method = "mlx";
  } else {
    return found;
  }
  const std::string id = mix_id(found.method, q);
  if (const Mix* mix = find_mix(id)) found.weights = std::string(mix->id);
  for (const std::string_view name : {"modules_to_not_convert", "ignore", "ignored_layers", "llm_int8_skip_modules"})
    if (const Document* list = q.record->find(name); list && list->is(Document::Kind::list))
      for (const Document& item : list->items())
        if (item.is(Document::Kind::text) && !item.text().empty()) found.left_alone.push_back(item.text());
  return found;
}

}  // namespace gpumem
