#pragma once
// Models of text that also read images: which tower and projector they have, and how large an image becomes.

#include "architectures/architecture.hpp"
#include "layers/image_reader.hpp"

namespace gpumem {

/// The text's decoder and what reads the images.
struct SeeingModel {
  Decoder text;
  ImageReader images;
  bool takes_flash = true;   ///< images see themselves both ways, which flash attention's causal form does not
};

/// Sides of an image in pixels, and what a processor lets through.
struct ImageSize {
  double width = 0, height = 0;   ///< 0: the model's own
  double fewest = 0, most = 0;    ///< pixels, where images are of any size; 0: the processor's own
};

/// Whether images of that model type are computed.
bool reads_images(std::string_view model_type);

/// Model types whose images are computed.
std::vector<std::string_view> image_types();

SeeingModel read_seeing_model(Fields& config, const ImageSize& size, std::vector<Assumption>& assumptions);

}  // namespace gpumem
