#pragma once
#include <memory>

#include "architectures/fields.hpp"
#include "layers/diffusion/components.hpp"

namespace gpumem {

std::shared_ptr<PipelinePart> read_ltx(Fields& config);
std::shared_ptr<PipelinePart> read_ltx_autoencoder(Fields& config);

}  // namespace gpumem
