#include "engines/ggml/graph_builder.hpp"

namespace gpumem::ggml {

/// A copy into a part of a cache.
void Builder::copy_to(int cache, int x, double rows) {
  const Tensor& t = g.at(x);
  const double line = 4 * t.elements() / rows;
  const int part = g.view(cache, {t.elements() / rows, rows, 1, 1}, line, line * rows, line * rows, 0);
  const int made = g.view(part, g.extent(part), line, line * rows, line * rows, 0);
  g.at(made).op = Op::fresh;
  g.at(made).source = {x, part};
  g.at(made).sources = 2;
  g.expand(made);
}

/// The states of the batch's sequences: one is cleared in its place, those chosen are read, others move.
/// Source: [llama-cpp-graph] src/llama-graph.cpp: build_rs
int Builder::states(int cache, const std::function<int(int, int)>& read) {
  const double size = g.extent(cache)[0], all = g.extent(cache)[1], line = 4 * size;
  if (state_copy_ == nothing) {
    const int copy = g.input(4, {all, 1, 1, 1});
    state_copy_ = g.view(copy, {c.sequences, 1, 1, 1}, 4 * c.sequences, 4 * c.sequences, 4 * c.sequences, 0);
    state_rest_ = g.view(copy, {all - c.sequences, 1, 1, 1}, 0, 0, 0, 4 * c.sequences);
  }
  const int rows = g.reshape(cache, {size, all, 1, 1});
  const int first = g.view(rows, {size, 1, 1, 1}, line, line, line, 0);
  const int cleared = g.view(first, {size, 1, 1, 1}, line, line, line, 0);
  g.at(cleared).op = Op::in_place;
  g.expand(cleared);
  const int taken = read(rows, state_copy_);
  g.expand(taken);
  const int rest = g.rows(rows, state_rest_);
  const int target = g.view(cache, {size, all - c.sequences, 1, 1}, line, line * all, line * all, line * c.sequences);
  const int moved = g.view(target, g.extent(target), line, line * all, line * all, 0);
  g.at(moved).op = Op::fresh;
  g.at(moved).source = {rest, target};
  g.at(moved).sources = 2;
  g.expand(moved);
  return taken;
}

/// The last inputs of a convolution and those of the batch behind them; the new last ones are stored.
int Builder::convolved(int x, double channels, double kernel, int cache) {
  const double each = c.tokens / c.sequences, kept = kernel - 1;
  const int past = g.reshape(states(cache, [this](int rows, int choice) { return g.rows(rows, choice); }), {kept, channels, c.sequences, 1});
  const int all = g.joined(past, x);
  const Extents stride = g.at(all).stride;
  copy_to(cache, g.view(all, {kept, channels, c.sequences, 1}, stride[1], stride[2], stride[3], 4 * each), c.sequences);
  return g.make(Op::fresh, {channels, each, c.sequences, 1}, {all, g.weight(4, {kernel, channels, 1, 1}, home)});
}

/// Source: [llama-cpp-graph] src/models/mamba-base.cpp: build_mamba_layer
int Builder::mamba(int x, const StateMixer& s) {
  const double each = c.tokens / c.sequences, n = c.sequences, hidden = g.extent(x)[0];
  const int inputs = state_cache((s.kernel - 1) * s.inner), kept = state_cache(s.state * s.inner);
  const auto part = [&](int t, double width, double from) {
    return g.view(t, {width, each, n, 1}, g.at(t).stride[1], g.at(t).stride[2], g.at(t).stride[3], 4 * from);
  };
  const int both = project(g.reshape(x, {hidden, each, n, 1}), 2 * s.inner);
  const int gate = part(both, s.inner, s.inner);
  int in = biased(convolved(g.permute(part(both, s.inner, 0), {1, 0, 2, 3}), s.inner, s.kernel, inputs), true);
  const int small = project(in, s.heads + 2 * s.state);
  int step = part(small, s.heads, 0);
  const auto matrix = [&](double from) {
    const int made = g.view(small, {s.state, 1, each, n}, 4 * s.state, g.at(small).stride[1], g.at(small).stride[2], 4 * from);
    return s.normed ? norm(made, NormKind::rms) : made;
  };
  step = s.normed ? norm(step, NormKind::rms) : g.contiguous(step);
  const int b = matrix(s.heads), cc = matrix(s.heads + s.state);
  step = project(step, s.inner, true);
  const int by_channel = g.reshape(in, {1, s.inner, each, n});
  const int decay = g.weight(4, {s.state, s.inner, 1, 1}, home);
  const double outputs = s.inner * each * n, stored = s.state * s.inner * n;
  const int scan = states(kept, [&](int rows, int choice) {
    return g.make(Op::fresh, {outputs + stored, 1, 1, 1}, {g.reshape(rows, {s.state, 1, s.inner, n}), by_channel, step, decay, b, cc, choice});
  });
  copy_to(kept, g.view(scan, {stored, 1, 1, 1}, 4 * stored, 4 * stored, 4 * stored, 4 * outputs), 1);
  int y = g.view(scan, {s.inner, each, n, 1}, 4 * s.inner, 4 * s.inner * each, 4 * outputs, 0);
  y = g.sum(y, scaled(in));
  const int gated = g.contiguous(gate);
  y = g.like(Op::fresh, gated, {y});
  return g.reshape(project(y, hidden), {hidden, c.tokens, 1, 1});
}

/// Source: [llama-cpp-graph] src/models/mamba-base.cpp: build_mamba2_layer
int Builder::mamba2(int x, const StateMixer& s) {
  const double each = c.tokens / c.sequences, n = c.sequences, hidden = g.extent(x)[0];
  const double channels = s.inner + 2 * s.groups * s.state, width = s.inner + channels + s.heads, head = s.inner / s.heads;
  const int inputs = state_cache((s.kernel - 1) * channels), kept = state_cache(s.state * s.inner);
  const int all = g.reshape(project(x, width), {width, each, n, 1});
  const Extents line = g.at(all).stride;
  const int gate = g.view(all, {head, s.heads, each, n}, 4 * head, line[1], line[2], 0);
  const int in = g.view(all, {channels, each, n, 1}, line[1], line[2], line[3], 4 * s.inner);
  int step = g.view(all, {s.heads, each, n, 1}, line[1], line[2], line[3], 4 * (s.inner + channels));
  const int made = biased(convolved(g.permute(in, {1, 0, 2, 3}), channels, s.kernel, inputs), true);
  const Extents row = g.at(made).stride;
  const int heads = g.view(made, {head, s.heads, each, n}, 4 * head, row[1], row[2], 0);
  const auto matrix = [&](double from) { return g.view(made, {s.state, s.groups, each, n}, 4 * s.state, row[1], row[2], 4 * from); };
  const int b = matrix(s.inner), cc = matrix(s.inner + s.groups * s.state);
  step = biased(g.contiguous(step), true);
  const int decay = g.weight(4, {1, s.heads, 1, 1}, home);
  const double outputs = s.inner * each * n, stored = s.state * s.inner * n;
  const int scan = states(kept, [&](int rows, int choice) {
    return g.make(Op::fresh, {outputs + stored, 1, 1, 1}, {g.reshape(rows, {s.state, head, s.heads, n}), heads, step, decay, b, cc, choice});
  });
  copy_to(kept, g.view(scan, {stored / n, n, 1, 1}, 4 * stored / n, 4 * stored, 4 * stored, 4 * outputs), n);
  int y = g.view(scan, {head, s.heads, each, n}, 4 * head, 4 * s.inner, 4 * s.inner * each, 0);
  y = g.sum(y, scaled(heads));
  const int gated = g.contiguous(gate);
  y = g.like(Op::fresh, gated, {y});
  if (s.normed) y = norm(g.reshape(y, {s.inner / s.groups, s.groups, each, n}), NormKind::rms);
  return project(g.reshape(y, {s.inner, c.tokens, 1, 1}), hidden);
}

/// Source: [llama-cpp-graph] src/models/lfm2.cpp
int Builder::short_convolution(int x, const StateMixer& s) {
  const double each = c.tokens / c.sequences, n = c.sequences, hidden = g.extent(x)[0];
  const int inputs = state_cache((s.kernel - 1) * hidden);
  const int all = project(g.reshape(x, {hidden, each, n, 1}), 3 * hidden);
  const Extents line = g.at(all).stride;
  const auto part = [&](double i) { return g.view(all, {hidden, each, n, 1}, line[1], line[2], line[3], 4 * hidden * i); };
  const int gate = part(0), behind = part(1), in = part(2);
  const int made = convolved(g.permute(g.sum(gate, in), {1, 0, 2, 3}), hidden, s.kernel, inputs);
  return g.reshape(project(g.sum(behind, made), hidden), {hidden, c.tokens, 1, 1});
}

int Builder::state_mixer(int x, const StateMixer& s) {
  if (s.kind == StateMixer::Kind::mamba) return mamba(x, s);
  return s.kind == StateMixer::Kind::mamba2 ? mamba2(x, s) : short_convolution(x, s);
}

}  // namespace gpumem::ggml
