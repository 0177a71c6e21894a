#include "layers/diffusion/unet.hpp"

#include "architectures/common.hpp"
#include "architectures/diffusion/pipeline.hpp"

namespace gpumem {
namespace {

std::vector<std::string> read_names(Fields& c, std::string_view name) {
  std::vector<std::string> names;
  const Document* list = c.value({name});
  if (!list || !list->is(Document::Kind::list)) return names;
  for (const Document& item : list->items()) names.push_back(item.text());
  return names;
}

/// Whether the blocks of that direction attend to the text; another kind of block is an issue.
std::vector<bool> read_blocks(Fields& c, std::string_view name, std::string_view plain, std::string_view attending) {
  std::vector<bool> attends;
  for (const std::string& block : read_names(c, name)) {
    if (block != plain && block != attending) c.report(name, "unsupported", text_of({quoted(block), " is not computed yet"}));
    attends.push_back(block == attending);
  }
  return attends;
}

}  // namespace

/// Source: [diffusers] models/unets/unet_2d_condition.py UNet2DConditionModel.__init__
std::shared_ptr<PipelinePart> read_unet(Fields& c) {
  auto u = std::make_shared<UNet>();
  std::vector<bool> down = read_blocks(c, "down_block_types", "DownBlock2D", "CrossAttnDownBlock2D");
  std::vector<bool> up = read_blocks(c, "up_block_types", "UpBlock2D", "CrossAttnUpBlock2D");
  if (down.empty() || down.size() != up.size() || down.size() > 16) {
    c.report("down_block_types", "missing", "is needed, as many as up_block_types");
    return u;
  }
  const std::size_t n = down.size();
  const std::vector<double> channels = read_counts(c, "block_out_channels", 320, n, most_width), resnets = read_counts(c, "layers_per_block", 2, n, 64);
  const std::vector<double> heads = read_counts(c, c.has("num_attention_heads") ? "num_attention_heads" : "attention_head_dim", 8, n, most_heads);
  const std::vector<double> depth = read_counts(c, "transformer_layers_per_block", 1, n, 256);
  const std::vector<double> context = read_counts(c, "cross_attention_dim", 1280, n, most_width);
  for (std::size_t i = 0; i < n; ++i) u->levels.push_back({channels[i], resnets[i], depth[i], heads[i], down[i], up[n - 1 - i]});
  u->context = context.front();
  u->in_channels = c.count({"in_channels"}, 4, 1, most_width);
  u->out_channels = c.count({"out_channels"}, 4, 1, most_width);
  u->groups = c.count({"norm_num_groups"}, 32, 1, most_width);
  u->linear_projection = c.flag({"use_linear_projection"}, false);
  u->flipped = c.flag({"flip_sin_to_cos"}, true);
  const std::string middle = c.text({"mid_block_type"}, "UNetMidBlock2DCrossAttn");
  u->mid_attends = middle == "UNetMidBlock2DCrossAttn";
  const std::string added = c.text({"addition_embed_type"}, "");
  if (!added.empty() && added != "text_time") c.report("addition_embed_type", "unsupported", text_of({quoted(added), " is not computed yet"}));
  if (added == "text_time") {
    u->size_width = c.count({"addition_time_embed_dim"}, std::nullopt, 1, most_width);
    u->condition_width = c.count({"projection_class_embeddings_input_dim"}, std::nullopt, 1, most_width);
  }
  return u;
}

}  // namespace gpumem
