#include "training/gradient_buckets.hpp"

#include <algorithm>

namespace gpumem {

/// Assumes cuts at equal sizes: a real cut lies behind a parameter, which moves bytes from one bucket to the next.
/// Source: [pytorch-ddp] reducer.cpp initialize_buckets, rebuild_buckets, compute_bucket_assignment_by_size
static void make_in(GradientBuckets& buckets, Machine& m, const Format* format, double numbers) {
  const double most = std::max(1.0, std::floor(buckets.bytes / in(bytes, stored_bytes(elements(1), *format))));
  const Component use = buckets.views ? Component::gradients : Component::workspace;
  const auto hold = [&](double length, double more) {
    buckets.held.push_back(m.memory.allocate({length}, format, use, "bucket of gradients", -1, 0));
    if (more > 0) m.memory.stand_for(buckets.held.back(), more);
  };
  const double whole = std::floor(numbers / most), rest = numbers - whole * most;
  if (whole > 0) hold(most, whole - 1);
  if (rest > 0) hold(rest, 0);
}

void GradientBuckets::make(Machine& m, std::span<const Parameter> parameters) {
  std::vector<const Format*> formats;
  double trained = 0;
  for (const Parameter& p : parameters) {
    if (!p.trainable) continue;
    trained += p.copies;
    if (std::find(formats.begin(), formats.end(), p.format) == formats.end()) formats.push_back(p.format);
  }
  for (const Format* format : formats) {
    double numbers = 0;
    for (const Parameter& p : parameters)
      if (p.trainable && p.format == format) numbers += in(elements, p.shape.count()) * p.copies;
    make_in(*this, m, format, numbers);
  }
  // Source: [pytorch-ddp] reducer.cpp initialize_local_used_map: a 32-bit number a parameter
  if (finds_unused) held.push_back(m.memory.allocate({trained}, fp32, Component::workspace, "parameters that were used", -1, 0));
}

}  // namespace gpumem
