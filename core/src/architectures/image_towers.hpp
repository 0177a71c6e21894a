#pragma once
// Towers that read an image at the size its processor gives it.

#include "architectures/image_readers.hpp"

namespace gpumem {

/// What a head is wide, of rows that all heads share.
double width_of_head(Fields& vision, std::string_view name, double width, double heads);

void qwen2_vl(Fields& config, ImageReader& reader, const ImageSize& size);
void qwen2_5_vl(Fields& config, ImageReader& reader, const ImageSize& size);
void qwen3_vl(Fields& config, ImageReader& reader, const ImageSize& size);
void qwen3_5_vl(Fields& config, ImageReader& reader, const ImageSize& size);

}  // namespace gpumem
