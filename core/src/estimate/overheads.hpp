#pragma once
// What only measurement tells: low, expected, high, from the catalog's overheads.

#include <vector>

#include "estimate/scenario.hpp"

namespace gpumem {

struct Band {
  Bytes low, expected, high;
  friend Band operator+(Band a, Band b) { return {a.low + b.low, a.expected + b.expected, a.high + b.high}; }
};

struct Overhead {
  std::string_view id, source;
  Band band;
  bool in_allocator = false;   ///< taken through PyTorch's allocator: part of what is reserved
};

struct DeviceBands {
  Band reserved, process;
  std::vector<Overhead> overheads{};
};

/// Around what is allocated: library workspaces and allocator slack make `reserved`, the CUDA context makes `process`.
/// `taken`: what PyTorch's allocator takes from the driver for it, where the run was replayed on it; 0 where not.
DeviceBands bands_around(const Parts& parts, const Scenario& scenario, Bytes taken);

/// What a process takes of a device beside what its allocator takes.
Bytes outside_allocator();

/// What an engine that serves from a pool finds taken beside its tensors, where it counts what is left for the pool.
Bytes serving_overheads(const Scenario& scenario);

/// What of the device a process can use at all.
Bytes usable_memory(const Device& device);

}  // namespace gpumem
