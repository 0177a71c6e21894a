// Source: [diffusers] models/unets/unet_2d_condition.py UNet2DConditionModel.forward, unet_2d_blocks.py, resnet.py
// ResnetBlock2D.forward, transformers/transformer_2d.py, attention.py BasicTransformerBlock.forward

#include "layers/diffusion/unet.hpp"

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"

namespace gpumem {

Value resnet_block(Machine& m, const char* name, const Value& x, double channels, const Value& timestep, double groups) {
  const Machine::Scope scope(m, name);
  Value h = group_norm(m, "norm1", x, groups);
  h = m.silu(h);
  h = convolve2d(m, "conv1", h, channels);
  Value shift;
  if (timestep) {
    shift = m.silu(timestep);
    shift = dense(m, "time_emb_proj", shift, channels, true);
    h = alike(m, h, "shifted");
  }
  h = group_norm(m, "norm2", h, groups);
  h = m.silu(h);
  h = convolve2d(m, "conv2", h, channels);
  Value shortcut = x;
  if (x->shape[1] != channels) shortcut = convolve2d(m, "conv_shortcut", x, channels, 1);
  const Value sum = alike(m, h, "sum");
  return alike(m, sum, "scaled sum");
}

namespace {

Value attention(Machine& m, const char* name, const Value& x, const Value& text, double heads) {
  const Machine::Scope scope(m, name);
  const double width = x->shape[-1];
  const Value& read = text ? text : x;
  const Value q = dense(m, "to_q", x, width, false), k = dense(m, "to_k", read, width, false), v = dense(m, "to_v", read, width, false);
  Value out = fused_attention(m, q, k, v, heads);
  out = dense(m, "to_out", out, width, true);
  return m.scale(out, "rescaled");
}

Value gated_feed_forward(Machine& m, const Value& x) {
  const Machine::Scope scope(m, "ff");
  const double width = x->shape[-1];
  const auto gated = [&] {
    const Value both = dense(m, "proj", x, 8 * width, true);
    const Value half = m.view(both, both->shape.with_last(4 * width));
    return m.multiply(half, m.gelu(half));
  };
  const Value inner = gated();
  return dense(m, "out", inner, width, true);
}

Value text_block(Machine& m, const Value& x, const Value& text, double heads) {
  const Machine::Scope scope(m, "transformer_blocks");
  Value normed = row_norm(m, "norm1", x, true);
  Value attended = attention(m, "attn1", normed, {}, heads);
  Value h = m.add(attended, x);
  normed = row_norm(m, "norm2", h, true);
  attended = attention(m, "attn2", normed, text, heads);
  h = m.add(attended, h);
  normed = row_norm(m, "norm3", h, true);
  const Value fed = gated_feed_forward(m, normed);
  return m.add(fed, h);
}

}  // namespace

Value UNet::transformer(Machine& m, const Value& x, const Value& text, double heads, double depth) const {
  const Machine::Scope scope(m, "attentions");
  const double b = x->shape[0], c = x->shape[1];
  const Shape rows = {b, x->shape[2] * x->shape[3], c};
  Value h = group_norm(m, "norm", x, groups);
  if (linear_projection) {
    h = linear_across(m, "proj_in", m.view(h, rows), c);
  } else {
    h = m.view(convolve2d(m, "proj_in", h, c, 1), rows);
  }
  for (double i = 0; i < depth; ++i) h = text_block(m, h, text, heads);
  Value out;
  if (linear_projection) {
    out = dense(m, "proj_out", h, c, true);
    out = alike(m, x, "image");
  } else {
    out = alike(m, x, "image");
    out = convolve2d(m, "proj_out", out, c, 1);
  }
  return m.add(out, x);
}

void UNet::declare(Machine& m) const {
  const Value latents = m.allocate({1, in_channels, 64, 64}, m.weight_format, "latents");
  predict(m, {latents, m.allocate({1, 1, context}, m.weight_format, "text"), {}, 1, 64, 64, 1});
}

Value UNet::predict(Machine& m, const DenoiserInput& in) const {
  const double first = levels.front().channels, embedded = 4 * first;
  Value wide = timestep_waves(m, in.batch, first, flipped);
  const Value waves = m.cast(std::move(wide), m.weight_format);
  Value time = embed_timestep(m, "time_embedding", waves, embedded);
  Value conditions;
  if (condition_width > 0) {
    const Value sizes = timestep_waves(m, in.batch * 6, size_width, flipped);
    const Value joined = m.allocate({in.batch, condition_width}, fp32, "conditions");
    const Value narrow = m.cast(joined, m.weight_format);
    conditions = embed_timestep(m, "add_embedding", narrow, embedded);
    time = m.add(time, conditions);
  }
  Value h = convolve2d(m, "conv_in", in.latents, first);
  std::vector<Value> skips = {h};
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const Machine::Scope scope(m, "down_blocks");
    const UNetLevel& level = levels[i];
    for (double r = 0; r < level.resnets; ++r) {
      h = resnet_block(m, "resnets", h, level.channels, time, groups);
      if (level.attends) h = transformer(m, h, in.text, level.heads, level.depth);
      skips.push_back(h);
    }
    if (i + 1 == levels.size()) continue;
    h = convolve2d(m, "downsamplers", h, level.channels, 3, 2);
    skips.push_back(h);
  }
  {
    const Machine::Scope scope(m, "mid_block");
    const UNetLevel& last = levels.back();
    const auto middle = [&](const Value& x) {
      Value y = resnet_block(m, "resnets", x, last.channels, time, groups);
      if (mid_attends) y = transformer(m, y, in.text, last.heads, last.depth);
      return resnet_block(m, "resnets", y, last.channels, time, groups);
    };
    h = middle(h);
  }
  std::vector<Value> used;
  for (std::size_t i = levels.size(); i-- > 0;) {
    const Machine::Scope scope(m, "up_blocks");
    const UNetLevel& level = levels[i];
    used.clear();
    for (double r = 0; r <= level.resnets; ++r) {
      used.push_back(std::move(skips.back()));
      skips.pop_back();
    }
    const auto up = [&](const Value& x) {
      Value y = x;
      for (const Value& skip : used) {
        y = shaped(m, y, with_channels(y->shape, y->shape[1] + skip->shape[1]), "with skip");
        y = resnet_block(m, "resnets", y, level.channels, time, groups);
        if (level.attends_up) y = transformer(m, y, in.text, level.heads, level.depth);
      }
      if (i == 0) return y;
      const auto larger = [&](const Value& small) {
        // Odd sides were rounded up on the way down: enlarged to what waits there, not to twice.
        const Shape waiting = with_channels(skips.back()->shape, small->shape[1]);
        const Value enlarged = shaped(m, small, waiting, "upsampled");
        return convolve2d(m, "upsamplers", enlarged, level.channels);
      };
      return larger(y);
    };
    h = up(h);
  }
  h = group_norm(m, "conv_norm_out", h, groups);
  h = m.silu(h);
  return convolve2d(m, "conv_out", h, out_channels);
}

}  // namespace gpumem
