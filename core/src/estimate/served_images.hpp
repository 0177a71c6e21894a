#pragma once
// What vLLM's measured step holds of images, before it takes its pool.

#include <optional>

#include "architectures/image_readers.hpp"
#include "estimate/scenario.hpp"
#include "machine/component.hpp"

namespace gpumem {

/// The text and what reads images of a model that is counted by its inventory, with images as large as its processor makes them.
std::optional<SeeingModel> profiled_model(Scenario& scenario);

/// The higher of two moments: the tower at work on as many images as a step may read, or the step while what it made of
/// them is held.
Parts with_profiled_images(const Scenario& scenario, const SeeingModel& model, const Parts& step);

}  // namespace gpumem
