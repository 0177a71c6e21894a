#include "layers/megatron/block.hpp"

#include "layers/megatron/linears.hpp"
#include "layers/megatron/recompute.hpp"

namespace gpumem::megatron {

Value layer(Machine& m, const Pass& pass, const DecoderLayer& l, Value x) {
  const Recompute& again = pass.share.recompute;
  Value residual = std::move(x);
  {
    // Projections of latents share one norm, which is a module of its own.
    const bool apart = l.attention.latent.has_value();
    Stretch normalised(m, again.norms && apart);
    Value in = apart ? norm(m, "input_layernorm", l.norm, residual) : residual;
    normalised.end();
    Value out = apart ? latent_attention(m, pass, l, std::move(in)) : attention(m, pass, l, std::move(in));
    out = normalised.let_go(std::move(out));
    residual = m.add(std::move(out), std::move(residual));
  }
  Stretch normalised(m, again.norms && l.experts);
  Value in = l.experts ? norm(m, "pre_mlp_layernorm", l.norm, residual) : residual;
  normalised.end();
  Value out;
  if (l.experts) {
    out = experts(m, pass, *l.experts, std::move(in));
  } else {
    Stretch mlp(m, again.mlp);
    out = feed_forward(m, pass, l.mlp, l.norm, std::move(in), "mlp");
    mlp.end();
    out = mlp.let_go(std::move(out));
  }
  out = normalised.let_go(std::move(out));
  return m.add(std::move(out), std::move(residual));
}

}  // namespace gpumem::megatron
