// Source: [diffusers] models/transformers/transformer_flux2.py

#include "layers/diffusion/flux2.hpp"

#include <cmath>

namespace gpumem {

/// No linear has a bias; blocks of a kind share the linear that makes their conditions.
void Flux2Transformer::declare(Machine& m) const {
  const double w = heads * head_dim, inner = std::floor(widening * w);
  const auto linear = [&](const char* name, double in, double out) { m.parameter(name, {out, in}); };
  for (const char* name : {"timestep_embedder", "guidance_embedder"}) {
    if (!guided && name[0] == 'g') continue;
    const Machine::Scope scope(m, name);
    linear("linear_1.weight", waves, w);
    linear("linear_2.weight", w, w);
  }
  for (const char* name : {"double_stream_modulation_img.linear.weight", "double_stream_modulation_txt.linear.weight"}) linear(name, w, 6 * w);
  linear("single_stream_modulation.linear.weight", w, 3 * w);
  linear("x_embedder.weight", in_channels, w);
  linear("context_embedder.weight", text_width, w);
  for (double i = 0; i < layers; ++i) {
    const Machine::Scope scope(m, "transformer_blocks");
    for (const char* name : {"to_q", "to_k", "to_v", "to_out", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"}) linear(name, w, w);
    for (const char* name : {"norm_q", "norm_k", "norm_added_q", "norm_added_k"}) m.parameter(name, {head_dim});
    for (const char* name : {"ff", "ff_context"}) {
      const Machine::Scope feed(m, name);
      linear("linear_in.weight", w, 2 * inner);
      linear("linear_out.weight", inner, w);
    }
  }
  for (double i = 0; i < single_layers; ++i) {
    const Machine::Scope scope(m, "single_transformer_blocks");
    linear("to_qkv_mlp_proj.weight", w, 3 * w + 2 * inner);
    linear("to_out.weight", w + inner, w);
    for (const char* name : {"norm_q", "norm_k"}) m.parameter(name, {head_dim});
  }
  linear("norm_out.linear.weight", w, 2 * w);
  linear("proj_out.weight", w, out_channels);
}

}  // namespace gpumem
