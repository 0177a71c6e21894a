#include "quantization/gguf_tensors.hpp"

#include <algorithm>

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
    made.expert = !made.shared && (has(name, "experts.") || made.name.ends_with("_exps"));
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
    if (copies != 1) made.shape = {copies * in(elements, made.shape.count())};
    out_.push_back(made);
    if (model_.chooses_by_bias && made.name == "ffn_gate_inp" && made.shape.rank == 2)
      out_.push_back({"exp_probs_b", made.layer, 0, true, false, {made.shape[0]}});
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

/// Layer by layer; within one a dense matrix, then those of experts, then those of shared ones. That is all that matters
/// to whoever counts tensors of one role.
std::vector<GgufTensor> in_file_order(const std::vector<GgufTensor>& tensors) {
  int last = -1;
  for (const GgufTensor& t : tensors) last = std::max(last, t.layer);
  const auto place = [](const GgufTensor& t) {
    return static_cast<std::size_t>(3 * (t.layer + 1) + (t.shared ? 2 : (t.roles & role::stacked) ? 1 : 0));
  };
  std::vector<std::size_t> begin(static_cast<std::size_t>(3 * (last + 2)) + 1);
  for (const GgufTensor& t : tensors) ++begin[place(t) + 1];
  for (std::size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
  std::vector<GgufTensor> ordered(tensors.size());
  for (const GgufTensor& t : tensors) ordered[begin[place(t)]++] = t;
  return ordered;
}

}  // namespace

std::vector<GgufTensor> gguf_tensors(const StoredTensors& tensors, const GgufModel& model) {
  std::vector<GgufTensor> out;
  Converter converter(model, out);
  for (const StoredTensor& t : tensors) converter.convert(t);
  if (model.rotary_factors > 0) out.push_back({"rope_freqs", -1, 0, true, false, {model.rotary_factors}});
  return in_file_order(out);
}

}  // namespace gpumem
