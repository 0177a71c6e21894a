#pragma once
// Processors that cut an image into squares of the size their tower takes.

#include "architectures/image_readers.hpp"

namespace gpumem {

struct Tiling {
  double views = 1, tokens = 0;
};

/// By the best of the sizes that the configuration lists; the whole image comes first.
Tiling pinned_tiling(Fields& config, const ImageSize& size, const ImageReader& reader);

/// By the shape nearest the image's, of at most twelve squares; more than one brings the whole image along.
double tiles_by_shape(const ImageSize& size, double side);

/// A side that is a number, or two of them alike.
double square_side(Fields& config, std::string_view name, double absent);

}  // namespace gpumem
