#include "quantization/gguf_tensors.hpp"

#include <algorithm>
#include <tuple>

#include "quantization/mix.hpp"
#include "quantization/tensor_names.hpp"

namespace gpumem {
namespace {

bool has(std::string_view name, std::string_view part) { return name.find(part) != std::string_view::npos; }

/// Matrices as [out, in], which is how a file holds them: some modules keep the transposed one.
Shape upright(Shape shape, std::uint32_t roles, double hidden) {
  const int in = (roles & (role::up | role::gate | role::joint)) ? -1 : (roles & role::down) ? -2 : 0;
  if (in == 0 || shape[in] == hidden || shape[-3 - in] != hidden) return shape;
  std::swap(shape[-1], shape[-2]);
  return shape;
}

class Converter {
 public:
  Converter(const GgufModel& model, std::vector<GgufTensor>& out) : model_(model), out_(out) {}

  void convert(const StoredTensor& t) {
    const std::string_view name = t.name;
    if (beside_the_text(name) || has(name, "rotary")) return;
    const TensorName* row = find_tensor_name(name);
    GgufTensor made{row ? row->gguf : name.substr(0, 0), t.layer, 0, false, has(name, "shared_expert") || has(name, "shared_mlp"), t.shape};
    made.single = t.shape.rank < 2 || name.ends_with("bias") || has(name, "norm") || (row && row->conversion == Conversion::single) ||
                  (!row && !name.ends_with(".weight"));
    if (made.single) return add_single(made, t.copies);
    made.roles = row ? gguf_roles(row->gguf) : role::other;
    if (has(name, "experts.") && t.shape.rank == 2 && !made.shared) made.shape = {t.copies, t.shape[0], t.shape[1]};
    made.shape = upright(made.shape, made.roles, model_.hidden);
    if (row && row->conversion == Conversion::halves) return halve(made);
    if (row && row->conversion == Conversion::gated) return part_from_gate(made);
    if (row && row->conversion == Conversion::latent) return take_apart(made);
    add(made);
  }

 private:
  void add_single(GgufTensor made, double copies) {
    made.shape = {copies * in(elements, made.shape.count())};
    out_.push_back(made);
  }
  void add(GgufTensor made) {
    if (made.shape.rank > 2) made.roles |= role::stacked;
    out_.push_back(made);
  }
  void halve(GgufTensor made) {
    made.shape[-2] /= 2;
    add(made);
    made.name = made.shared ? "ffn_up_shexp" : "ffn_up_exps";
    made.roles = role::up;
    add(made);
  }
  /// Source: [llama-cpp-conversion] conversion/qwen.py Qwen3NextModel.modify_tensors
  void part_from_gate(GgufTensor made) {
    made.shape[-2] -= model_.gate_rows;
    add(made);
    made.name = "attn_gate";
    made.roles = role::other;
    made.shape[-2] = model_.gate_rows;
    add(made);
  }
  /// Keys of all heads leave the latent transposed, values as they are.
  /// Source: [llama-cpp-conversion] conversion/deepseek.py DeepseekV2Model.modify_tensors
  void take_apart(GgufTensor made) {
    const double latent = made.shape[-1];
    made.roles = role::other;
    made.name = "attn_k_b";
    made.shape = {model_.heads, latent, model_.key_part};
    add(made);
    made.name = "attn_v_b";
    made.shape = {model_.heads, model_.value_part, latent};
    add(made);
  }

  const GgufModel& model_;
  std::vector<GgufTensor>& out_;
};

}  // namespace

std::vector<GgufTensor> gguf_tensors(const StoredTensors& tensors, const GgufModel& model) {
  std::vector<GgufTensor> out;
  Converter converter(model, out);
  for (const StoredTensor& t : tensors) converter.convert(t);
  if (model.rotary_factors > 0) out.push_back({"rope_freqs", -1, 0, true, false, {model.rotary_factors}});
  std::stable_sort(out.begin(), out.end(), [](const GgufTensor& a, const GgufTensor& b) {
    return std::tuple(a.layer, a.shared, a.name, a.roles) < std::tuple(b.layer, b.shared, b.name, b.roles);
  });
  return out;
}

}  // namespace gpumem
