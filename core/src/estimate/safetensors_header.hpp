#pragma once
// A checkpoint as the headers of its safetensors files describe it: every tensor's number format and shape.

#include <functional>
#include <string>
#include <vector>

#include "architectures/fields.hpp"
#include "architectures/inventory.hpp"
#include "machine/format.hpp"
#include "quantization/stored_tensor.hpp"

namespace gpumem {

struct Scenario;

struct SafetensorsHeader {
  StoredTensors tensors;
  std::vector<const Format*> formats;   ///< of each of them
  /// The one that most bytes are in.
  [[nodiscard]] const Format* usual() const;
  /// Whether every tensor holds numbers one by one: none is packed into integers.
  [[nodiscard]] bool unpacked() const;
  [[nodiscard]] Inventory inventory() const;
};

/// {"tensor's name": {"dtype", "shape"}, …, "config": {…}}, the tensors of all shards; they may stand under "header" too.
/// What is wrong goes to the issues of `given`.
/// Source: [safetensors-format] Dtype, TensorInfo
SafetensorsHeader read_safetensors_header(Fields& given);

/// What is wrong with a configuration goes to the issues.
using ReadConfig = std::function<void(const Document*, std::vector<Issue>&)>;

/// The header and its configuration. One whose program is not known leaves the weights of the header alone.
void read_safetensors_model(Fields& model, Scenario& s, const ReadConfig& read_config);

/// Weights that are loaded as they lie in the file, and what the program of the configuration has otherwise, in words.
void complete_safetensors(Scenario& s);

}  // namespace gpumem
