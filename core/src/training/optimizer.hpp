#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "machine/machine.hpp"

namespace gpumem {

/// The row of that id, or null.
const catalog::OptimizerRow* find_optimizer(std::string_view id);

/// Puts the states of every trainable parameter in memory, in the parameter's own format; a fused step also keeps its
/// counters there, one fp32 number a parameter.
/// Source: [pytorch-optim] torch/optim/adamw.py, sgd.py: states are zeros_like(parameter)
void add_optimizer_states(Machine& m, const catalog::OptimizerRow& optimizer, std::string_view step,
                          std::span<const Parameter> parameters, const Format* format = nullptr);

/// The states of so many numbers in that format; nothing where they depend on the shapes of tensors.
std::optional<Bytes> states_of_count(const catalog::OptimizerRow& optimizer, double numbers, const Format& format);

/// Whether the numbers of this parameter's states (not their scales) lie in memory that the driver moves between card and host.
/// Source: [bitsandbytes] optim/optimizer.py get_state_buffer, init_state
inline bool is_managed(const Parameter& p, const catalog::OptimizerRow& o) { return o.managed > 0 && in(elements, p.shape.count()) >= o.managed; }

/// Whether an optimizer in the host's memory takes this parameter; it leaves small ones on the device.
/// Source: [torchao] optim/cpu_offload.py minimal_size
inline bool on_host(const Parameter& p) { return in(elements, p.shape.count()) >= 4096; }

/// What a step allocates for a moment: nothing, as much as all its parameters (foreach), or two tensors as large as
/// its largest parameter (a loop).
/// Source: [torch-fake-tensor-measurement] exact over all measured steps
void step_temporaries(Machine& m, const catalog::OptimizerRow& optimizer, std::string_view step,
                      std::span<const Parameter> parameters);

}  // namespace gpumem
