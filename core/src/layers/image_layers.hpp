#pragma once
#include "layers/image_reader.hpp"

namespace gpumem {

/// Pixels → rows [images, patches, h], or [1, patches of all, h]; fills the pass's tables and mask.
Value image_embeddings(Machine& m, const ImageReader& reader, double images, const Value& pixels, Pass& pass, std::vector<Value>& held);

/// One layer over rows of images that are sequences of their own, or hidden from each other by a mask.
Value layer_of_views(Machine& m, const ImageReader& reader, std::size_t layer, const Value& rows, const Pass& pass);

/// One layer over rows of all images, each of which (or each of whose windows) sees itself alone.
Value flattened_layer(Machine& m, const ImageReader& reader, std::size_t layer, Value rows, const Pass& pass);

}  // namespace gpumem
