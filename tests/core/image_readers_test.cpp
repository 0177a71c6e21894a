// How large an image becomes, by each processor's rule, worked by hand.

#include <catch2/catch.hpp>

#include "architectures/image_readers.hpp"
#include "architectures/image_tiles.hpp"
#include "json_document.hpp"

using namespace gpumem;
using test::json;

namespace {

ImageReader reader(const char* config, double width, double height) {
  const Document document = json(config);
  std::vector<Issue> issues;
  std::vector<Assumption> assumptions;
  Fields fields(&document, "", issues);
  SeeingModel m = read_seeing_model(fields, {width, height, 0, 0}, assumptions);
  CHECK(issues.empty());
  return m.images;
}

constexpr const char* flattened = R"({"model_type": "qwen2_5_vl", "vision_config": {"hidden_size": 1280}})";
constexpr const char* packed = R"({"model_type": "mistral3", "text_config": {"model_type": "mistral"}, "vision_config": {"image_size": 1540, "patch_size": 14}})";
constexpr const char* tiled = R"({"model_type": "llava_next", "text_config": {"model_type": "llama"}, "vision_config": {"image_size": 336, "patch_size": 14},
  "image_grid_pinpoints": [[336, 672], [672, 336], [672, 672]]})";

}  // namespace

TEST_CASE("Qwen-VL rounds both sides to squares of 28 pixels, halves to even", "[images]") {
  const ImageReader r = reader(flattened, 1280, 720);   // 45.7 and 25.7 squares
  CHECK(r.width == 1288);
  CHECK(r.height == 728);
  CHECK(r.tokens == 46 * 26);
  const ImageReader small = reader(flattened, 70, 28);   // 56 by 28 are fewer than 3136 pixels: 70 and 28 grow by 1.265, then up
  CHECK(small.width == 112);
  CHECK(small.height == 56);
}

TEST_CASE("Pixtral's longest side is the model's, and a token ends each row", "[images]") {
  const ImageReader r = reader(packed, 3080, 2072);   // halved: 1540 by 1036
  CHECK(r.width == 1540);
  CHECK(r.height == 1036);
  CHECK(r.rows() == 55 * 37);
  CHECK(r.tokens == 55 * 37 + 37);
}

TEST_CASE("LLaVA-NeXT takes the best of its sizes and cuts the borders off", "[images]") {
  const ImageReader r = reader(tiled, 1000, 800);   // 672 by 672: 48 patches each way, 38 of them high
  CHECK(r.views == 5);
  CHECK(r.tokens == 38 * 48 + 38 + 576);
}

TEST_CASE("InternVL takes the shape nearest the image's, of at most twelve squares", "[images]") {
  CHECK(tiles_by_shape({448, 448, 0, 0}, 448) == 1);
  CHECK(tiles_by_shape({1000, 800, 0, 0}, 448) == 13);   // 4 by 3, and the whole image
  CHECK(tiles_by_shape({896, 448, 0, 0}, 448) == 3);
}
