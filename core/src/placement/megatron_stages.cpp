#include "placement/megatron_stages.hpp"

#include <algorithm>
#include <cmath>

namespace gpumem::megatron {

double padded_vocabulary(double rows, const Spread& spread, double tensor) {
  const double multiple = spread.vocabulary_multiple * tensor;
  return std::ceil(rows / multiple) * multiple;
}

Decoder part_of(Decoder m, const RankLayout& l, const Spread& spread) {
  m.vocabulary = padded_vocabulary(m.vocabulary, spread, l.tensor) / l.tensor;
  for (DecoderLayer& layer : m.layers) {
    layer.attention.heads = std::ceil(layer.attention.heads / l.tensor);
    layer.attention.kv_heads = std::max(1.0, std::floor(layer.attention.kv_heads / l.tensor));
    layer.mlp.width = std::ceil(layer.mlp.width / l.tensor);
    if (!layer.experts) continue;
    layer.experts->width = std::ceil(layer.experts->width / spread.expert_tensor);
    layer.experts->shared_width = std::ceil(layer.experts->shared_width / l.tensor);
  }
  return m;
}

/// Rows that one rank sends: every token to each of its experts, or as many as every expert has room for.
/// Source: [megatron-lm] megatron/core/transformer/moe/moe_utils.py get_capacity
static double sent_rows(const ExpertsLayer& e, double tokens, const Spread& spread) {
  if (!spread.padded || spread.capacity <= 0) return tokens * e.top;
  return std::ceil(tokens * e.top / e.experts * spread.capacity) * e.experts;
}

Share share_of(const Decoder& model, const RankLayout& l, const Spread& spread, double tokens) {
  Share s;
  s.hidden = model.hidden;
  s.tensor = l.tensor;
  s.context = l.context;
  s.rows = std::ceil(tokens / l.context);
  s.kept_rows = l.sequence_parallel ? std::ceil(s.rows / l.tensor) : s.rows;
  for (const DecoderLayer& layer : model.layers) {
    if (!layer.experts) continue;
    s.dispatch.local_experts = layer.experts->experts / l.expert;
    s.dispatch.sent = sent_rows(*layer.experts, s.kept_rows, spread);
    s.dispatch.received = s.dispatch.sent * spread.expert_tensor;
    s.dispatch.exchanged = l.expert * spread.expert_tensor > 1;
    break;
  }
  return s;
}

std::vector<double> layers_by_stage(double layers, double stages, const Spread& spread, bool& even) {
  std::vector<double> made(static_cast<std::size_t>(stages));
  double left = layers, count = stages;
  const bool first = spread.first_layers > 0 && stages > 1, last = spread.last_layers > 0 && stages > 1;
  if (first) left -= spread.first_layers, --count;
  if (last) left -= spread.last_layers, --count;
  const double more = (spread.embedding_counts && !first ? 1 : 0) + (spread.head_counts && !last ? 1 : 0);
  left += more;
  even = left >= 0 && (count > 0 ? std::fmod(left, count) == 0 : left == 0);
  // What does not come out even lies on the stages in the middle: the first and the last have the tables beside.
  const double each = count > 0 ? std::floor(std::max(left, 0.0) / count) : 0;
  double over = count > 0 ? std::max(left, 0.0) - each * count : 0;
  for (std::size_t i = 0; i < made.size(); ++i) {
    made[i] = each;
    if (i == 0 && first) made[i] = spread.first_layers;
    else if (i == 0 && spread.embedding_counts) made[i] -= 1;
    if (i + 1 == made.size() && last) made[i] = spread.last_layers;
    else if (i + 1 == made.size() && spread.head_counts) made[i] -= 1;
  }
  const std::size_t begin = made.size() > 2 ? 1 : 0;
  for (std::size_t i = begin; over > 0; i = i + 1 < made.size() ? i + 1 : 0, --over) made[i] += 1;
  return made;
}

/// Forward passes a stage has done before its first backward pass begins.
static double forwards_ahead(const RankLayout& l, double stage, double micro_batches) {
  const double behind = l.pipeline - stage - 1;
  if (l.schedule == "gpipe") return micro_batches * l.virtual_stages;
  if (l.virtual_stages == 1) {
    const double most = l.schedule == "zb-h2" ? 2 * behind + 1 : behind + 1;
    return std::min(most, micro_batches);
  }
  if (micro_batches <= l.pipeline) return micro_batches * l.virtual_stages;
  return std::min(2 * behind + (l.virtual_stages - 1) * l.pipeline + 1, micro_batches * l.virtual_stages);
}

std::vector<Chunk> chunks_of(const std::vector<double>& sizes, const RankLayout& l, double stage, double micro_batches) {
  const double chunks = l.virtual_stages;
  const auto count = static_cast<std::size_t>(chunks);
  std::vector<Chunk> made(count);
  const bool turns = l.schedule == "zbv";   // a rank's second chunk lies as far from the end as its first from the beginning
  for (std::size_t c = 0; c < count; ++c) {
    const double place = turns && c > 0 ? 2 * l.pipeline - 1 - stage : static_cast<double>(c) * l.pipeline + stage;
    const auto at = static_cast<std::size_t>(place);
    double first = 0;
    for (std::size_t i = 0; i < at; ++i) first += sizes[i];
    made[c] = {static_cast<int>(first), static_cast<int>(sizes[at]), at == 0, at + 1 == sizes.size(), 0};
  }
  // Of both chunks as many as a pipeline has stages are there in all, whichever the rank, one of them running.
  // Source: [zero-bubble] the schedule ZB-V
  if (turns) {
    made[0].waiting = std::min(2 * l.pipeline - stage - 1, micro_batches);
    made[1].waiting = std::min(stage, std::max(0.0, micro_batches - 1));
    return made;
  }
  // Micro-batches come in groups as large as the pipeline is long; each group passes one chunk after the other.
  const double group = l.schedule == "gpipe" ? micro_batches : std::min(l.pipeline, micro_batches);
  const double ahead = forwards_ahead(l, stage, micro_batches), round = group * chunks;
  for (std::size_t c = 0; c < count; ++c) {
    const double whole_rounds = std::floor(ahead / round), rest = ahead - whole_rounds * round;
    made[c].waiting = whole_rounds * group + std::clamp(rest - static_cast<double>(c) * group, 0.0, group);
  }
  made.back().waiting = std::max(0.0, made.back().waiting - 1);   // the one that runs
  return made;
}

double dense_copies(const RankLayout& l) { return l.data * l.context; }
double expert_copies(const RankLayout& l, const Spread& spread) {
  return std::max(1.0, l.data * l.context * l.tensor / (l.expert * spread.expert_tensor));
}

}  // namespace gpumem::megatron
