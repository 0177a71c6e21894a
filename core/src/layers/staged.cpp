// Nets whose stages have widths of their own.

#include "layers/staged.hpp"

#include <cmath>

#include "layers/encoder_run.hpp"
#include "layers/norms.hpp"

namespace gpumem {
namespace {

/// A convolution as wide as its step makes a row of each patch, which is normalised.
/// Source: [transformers] models/convnext/modeling_convnext.py ConvNextEmbeddings.forward, models/swin/modeling_swin.py
/// SwinEmbeddings.forward
StageRows embed_image(Machine& m, const EncoderModel& model, const Value& pixels) {
  const Machine::Scope scope(m, "embeddings");
  const StagedNet& net = *model.staged;
  const InputLayer& in = model.encoder.input;
  const bool windows = net.kind == StagedNet::Kind::windows;
  const double b = pixels->shape[0], width = net.stages[0].width;
  const double side = windows ? std::ceil(in.side / in.patch) : std::floor(in.side / in.patch);
  const Value weight = m.parameter("projection.weight", {width, in.channels, in.patch, in.patch}), bias = m.parameter("projection.bias", {width});
  Value image = pixels;
  if (side * in.patch > in.side)   // first to the right, then below
    for (int edge = 0; edge < 2; ++edge)
      image = m.pad(image, {b, in.channels, edge == 0 ? in.side : side * in.patch, side * in.patch}, "pixels, padded");
  Value rows = m.convolve(image, weight, bias, {b, width, side * side}, "patches");
  image.drop();
  rows = normalise(m, "norm", NormKind::layer, m.view(rows, {b, side * side, width}));
  if (net.placed) rows = m.add(rows, m.parameter("position_embeddings", {1, side * side, width}));
  return {m.dropout(std::move(rows), net.dropout), side};
}

}  // namespace

/// Source: [transformers] models/swin/modeling_swin.py SwinDropPath.forward
Value drop_path(Machine& m, const Value& x, double probability) {
  if (!m.training || probability <= 0) return x;
  Value random = m.allocate({x->shape[0], 1, 1}, x->format, "random");
  random = m.allocate(random->shape, x->format, "random, raised");
  random = m.allocate(random->shape, x->format, "kept or not");
  return m.multiply(m.scale(x, "raised"), random);
}

/// A stage's input is held until it has run, and what the patches became until all have. A net of windows also gives each
/// stage's rows with their channels outermost, which are held until the next one is done.
/// Source: [transformers] models/convnext/modeling_convnext.py ConvNextEncoder.forward, models/swin/modeling_swin.py
/// SwinEncoder.forward, SwinStage.forward
Value EncoderRun::staged(Machine& m, const Value& pixels, const Pass& pass, std::string_view phase) {
  const StagedNet& net = *model_.staged;
  const bool windows = net.kind == StagedNet::Kind::windows;
  const StageRows embedded = embed_image(m, model_, pixels);
  const double blocks = static_cast<double>(model_.encoder.layers.size());
  StageRows at = embedded;
  Value outermost, probabilities;
  int block = 0;
  m.inside_layers = true;
  for (std::size_t i = 0; i < net.stages.size(); ++i) {
    const StagedNet::Stage& stage = net.stages[i];
    const Value input = at.rows;
    Value own;   // probabilities of this stage
    m.begin_layer(block);
    m.memory.ledger.enter(phase, block);
    if (!windows && i > 0) at = convolved_down(m, stage.width, at);
    for (double j = 0; j < stage.depth; ++j, ++block) {
      if (j > 0) {
        m.begin_layer(block);
        m.memory.ledger.enter(phase, block);
      }
      const double rate = blocks > 1 ? net.path_dropout * block / (blocks - 1) : 0;
      at.rows = windows ? window_block(m, net, stage, at.rows, at.side, std::fmod(j, 2) == 1, rate, pass, own)
                        : convolution_block(m, net, at.rows, at.side, rate);
    }
    if (!windows) continue;
    const Value before = at.rows;
    if (i + 1 < net.stages.size()) at = merged_down(m, at);
    Value turned = m.copy(at.rows, "channels outermost", Layout::token_major);
    outermost = std::move(turned);
    probabilities = std::move(own);
  }
  m.inside_layers = false;
  m.begin_layer(block);
  m.memory.ledger.enter(phase, block);
  outermost.drop();
  return windows ? normalise(m, "layernorm", NormKind::layer, at.rows) : at.rows;
}

/// Source: [transformers] models/convnext/modeling_convnext.py ConvNextModel.forward, models/swin/modeling_swin.py SwinModel.forward
Value EncoderRun::mean_of_rows(Machine& m, const Value& hidden) {
  const double b = hidden->shape[0], rows = hidden->shape[1];
  Value mean = m.sum_rows(m.view(hidden, {b * rows, hidden->shape[2]}), rows);
  return model_.staged->kind == StagedNet::Kind::windows ? mean : normalise(m, "layernorm", NormKind::layer, mean);
}

}  // namespace gpumem
