#pragma once
#include "architectures/common.hpp"

namespace gpumem {

/// Gives a decoder a head with a number for each class: `score`, without a bias, in all families.
void give_classes(Fields& config, Decoder& model);

}  // namespace gpumem
