#include "estimate/safetensors_header.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "estimate/scenario.hpp"
#include "quantization/gguf_model.hpp"

namespace gpumem {
namespace {

constexpr std::size_t most_tensors = 200000;

/// Their words for number formats, and the row that takes as many bytes; signs make no difference.
/// Source: [safetensors-format] Dtype
constexpr std::array<std::pair<std::string_view, std::string_view>, 18> dtypes = {{{"F64", "fp64"}, {"F32", "fp32"}, {"F16", "fp16"}, {"BF16", "bf16"},
    {"F8_E4M3", "fp8"}, {"F8_E5M2", "fp8"}, {"F8_E8M0", "fp8"}, {"F8_E4M3FNUZ", "fp8"}, {"F8_E5M2FNUZ", "fp8"}, {"I64", "int64"}, {"U64", "int64"},
    {"I32", "int32"}, {"U32", "int32"}, {"I16", "int16"}, {"U16", "int16"}, {"I8", "int8"}, {"U8", "uint8"}, {"BOOL", "bool"}}};

const Format* format_of_dtype(std::string_view dtype) {
  for (const auto& [name, id] : dtypes)
    if (name == dtype) return find_format(id);
  return nullptr;
}

/// Extents beyond those a shape has room for are multiplied into the last. A scalar has none.
bool read_shape(const Document& extents, Shape& shape) {
  if (!extents.is(Document::Kind::list) || extents.items().size() > 8) return false;
  for (const Document& e : extents.items()) {
    if (!e.is(Document::Kind::number) || !(e.number() >= 0 && e.number() <= 1e12 && e.number() == std::floor(e.number()))) return false;
    if (shape.rank < Shape::most) shape.extent[static_cast<std::size_t>(shape.rank++)] = e.number();
    else shape[-1] *= e.number();
  }
  return in(elements, shape.count()) <= 1e15;
}

bool read_tensor(std::string_view name, const Document& row, SafetensorsHeader& into) {
  const Document *dtype = row.find("dtype"), *extents = row.find("shape");
  const Format* format = dtype ? format_of_dtype(dtype->text()) : nullptr;
  StoredTensor made;
  if (name.empty() || name.size() > 300 || !format || !extents || !read_shape(*extents, made.shape)) return false;
  made.name = std::string(name);
  made.layer = layer_in(name);
  into.tensors.push_back(std::move(made));
  into.formats.push_back(format);
  return true;
}

bool holds_numbers(const Format* f) { return f == fp32 || f == fp16 || f == bf16 || f->id == "fp64" || f->id == "fp8"; }

}  // namespace

const Format* SafetensorsHeader::usual() const {
  std::map<const Format*, double> held;
  for (std::size_t i = 0; i < tensors.size(); ++i) held[formats[i]] += in(bytes, stored_bytes(tensors[i].shape, *formats[i]));
  const auto most = std::max_element(held.begin(), held.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == held.end() ? bf16 : most->first;
}

bool SafetensorsHeader::unpacked() const { return std::all_of(formats.begin(), formats.end(), holds_numbers); }

Inventory SafetensorsHeader::inventory() const {
  Inventory made;
  for (const StoredTensor& t : tensors) {
    HeldTensor held;
    held.name = t.name;
    held.shape = t.shape;
    made.tensors.push_back(std::move(held));
  }
  return made;
}

SafetensorsHeader read_safetensors_header(Fields& given) {
  SafetensorsHeader made;
  const Document* inside = given.value({"header"});
  const bool apart = inside && inside->is(Document::Kind::record) && !inside->find("dtype");
  const Document* tensors = apart ? inside : given.source();
  given.value({"config"});
  if (apart) given.refuse_unknown();
  for (const auto& [name, row] : tensors ? tensors->members() : std::vector<Document::Member>()) {
    if (name == "__metadata__" || (!apart && name == "config")) continue;
    if (made.tensors.size() >= most_tensors || !read_tensor(name, row, made)) {
      given.report("", "wrong-type", text_of({quoted(name), " must be a record of a dtype of safetensors, such as BF16 or F8_E4M3, and the shape, a list of extents"}));
      return made;
    }
  }
  if (made.tensors.empty()) given.report("", "missing", "must have the tensors of the files' headers: {\"name\": {\"dtype\", \"shape\"}}, and the config beside them");
  return made;
}

void read_safetensors_model(Fields& model, Scenario& s, const ReadConfig& read_config) {
  Fields given = model.record("safetensors");
  s.safetensors_given = given.source();
  const std::size_t before = given.issues().size();
  s.safetensors = read_safetensors_header(given);
  const Document* config = given.value({"config"});
  std::vector<Issue> found;
  if (config && given.issues().size() == before) read_config(config, found);
  const bool unknown = std::any_of(found.begin(), found.end(), [](const Issue& i) { return i.code == "unsupported"; });
  if (!unknown) given.issues().insert(given.issues().end(), found.begin(), found.end());
  if (config && !unknown) return;
  if (unknown) s.assumptions.push_back({"unlisted-architecture", "How a model of this configuration's type runs is not known here: the header's weights are counted alone."});
  s.model.reset();
  s.inventory = s.safetensors->inventory();
}

}  // namespace gpumem
