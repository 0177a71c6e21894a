#pragma once
// Blocks of nets whose stages have widths of their own.

#include "layers/encoder_model.hpp"
#include "layers/pass.hpp"
#include "machine/machine.hpp"

namespace gpumem {

/// Rows of one stage: [b, side · side, width].
struct StageRows {
  Value rows;
  double side = 0;
};

/// A whole block is left out for some of a batch: its output is multiplied by a number for each that is zero or a little over one.
Value drop_path(Machine& m, const Value& x, double probability);

/// One block of a stage, at that share of the way through the net.
Value convolution_block(Machine& m, const StagedNet& net, const Value& x, double side, double path_dropout);
/// `probabilities` are those of the block before, and then of this one, where attention gives them back.
Value window_block(Machine& m, const StagedNet& net, const StagedNet::Stage& stage, const Value& x, double side, bool moved, double path_dropout,
                   const Pass& pass, Value& probabilities);

/// What stands between two stages: half as many rows to either side.
StageRows convolved_down(Machine& m, double width, const StageRows& from);
StageRows merged_down(Machine& m, const StageRows& from);

}  // namespace gpumem
