#include "architectures/image_tiles.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "architectures/common.hpp"

namespace gpumem {
namespace {

constexpr double usual_side = 1024;   // of an image whose size is not said
double width_of(const ImageSize& size) { return size.width > 0 ? size.width : usual_side; }
double height_of(const ImageSize& size) { return size.height > 0 ? size.height : usual_side; }

struct Rectangle {
  double height = 0, width = 0;
};

std::vector<Rectangle> listed_sizes(Fields& c, double side) {
  std::vector<Rectangle> sizes;
  const Document* list = c.value({"image_grid_pinpoints"});
  if (!list) return {{side, 2 * side}, {2 * side, side}, {2 * side, 2 * side}, {3 * side, side}, {side, 3 * side}};
  constexpr std::size_t most = 64;
  bool right = list->is(Document::Kind::list) && !list->items().empty() && list->items().size() <= most;
  for (std::size_t i = 0; right && i < list->items().size(); ++i) {
    const Document& pair = list->items()[i];
    right = pair.is(Document::Kind::list) && pair.items().size() == 2;
    for (std::size_t k = 0; right && k < 2; ++k) right = pair.items()[k].is(Document::Kind::number) && pair.items()[k].number() >= side && pair.items()[k].number() <= most_width;
    if (right) sizes.push_back({pair.items()[0].number(), pair.items()[1].number()});
  }
  if (!right) c.report("image_grid_pinpoints", "wrong-type", "must be a list of sizes [height, width], none smaller than image_size");
  return right ? sizes : std::vector<Rectangle>{{side, side}};
}

/// Source: [transformers] image_processing_utils.py select_best_resolution
Rectangle best_of(const std::vector<Rectangle>& sizes, double w, double h) {
  Rectangle best = sizes.front();
  double most_seen = 0, least_wasted = std::numeric_limits<double>::infinity();
  for (const Rectangle& r : sizes) {
    const double scale = std::min(r.width / w, r.height / h);
    const double seen = std::min(std::floor(w * scale) * std::floor(h * scale), w * h), wasted = r.width * r.height - seen;
    if (seen < most_seen || (seen == most_seen && wasted >= least_wasted)) continue;
    most_seen = seen, least_wasted = wasted, best = r;
  }
  return best;
}

/// To seven places, as Python's round does, then down.
double whole_of(double x) { return std::floor(std::round(x * 1e7) / 1e7); }

}  // namespace

/// Source: [transformers] models/llava_next/processing_llava_next.py _get_unpadded_features, _get_number_of_features
Tiling pinned_tiling(Fields& c, const ImageSize& size, const ImageReader& r) {
  const double w = width_of(size), h = height_of(size), side = r.tower.input.side, patches = r.patches_across();
  const Rectangle best = best_of(listed_sizes(c, side), w, h);
  const double down = std::floor(best.height / side), across = std::floor(best.width / side);
  double rows = patches * down, columns = patches * across;
  if (w / h > columns / rows) rows -= 2 * std::floor((rows - whole_of(h * (columns / w))) / 2);
  else columns -= 2 * std::floor((columns - whole_of(w * (rows / h))) / 2);
  return {std::ceil(best.height / side) * std::ceil(best.width / side) + 1, rows * columns + rows + r.rows()};
}

/// Source: [transformers] models/got_ocr2/image_processing_got_ocr2.py get_optimal_tiled_canvas, crop_image_to_patches
double tiles_by_shape(const ImageSize& size, double side) {
  constexpr int most = 12;
  const double w = width_of(size), h = height_of(size), wanted = w / h;
  double best = std::numeric_limits<double>::infinity(), tiles = 1;
  for (int area = 1; area <= most; ++area)
    for (int across = 1; across <= area; ++across) {
      if (area % across != 0) continue;
      const double off = std::abs(wanted - static_cast<double>(across) / (static_cast<double>(area) / across));
      const bool large = off == best && w * h > 0.5 * side * side * area;
      if (off < best || large) best = std::min(best, off), tiles = area;
    }
  return tiles > 1 ? tiles + 1 : 1;
}

double square_side(Fields& c, std::string_view name, double absent) {
  const Document* given = c.value({name});
  if (!given || !given->is(Document::Kind::list)) return c.count({name}, absent, 1, most_width);
  const auto& sides = given->items();
  const bool alike = sides.size() == 2 && sides[0].is(Document::Kind::number) && sides[1].is(Document::Kind::number) && sides[0].number() == sides[1].number();
  const double side = alike ? sides[0].number() : 0;
  if (side >= 1 && side <= most_width && side == std::floor(side)) return side;
  c.report(name, "wrong-type", "must be one size, or two alike");
  return absent;
}

}  // namespace gpumem
