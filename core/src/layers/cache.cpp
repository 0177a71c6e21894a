#include "layers/cache.hpp"

#include <algorithm>
#include <cmath>

#include "machine/parts.hpp"

namespace gpumem {
namespace {

Value rows(Machine& m, const Value& like, const Format* format, double count, const char* label) {
  Value made = m.allocate({like->shape[0], like->shape[1], count, like->shape[3]}, format, label, Component::kv_cache);
  made->layout = Layout::head_major;
  return made;
}

}  // namespace

KvCache::KeyValue KvCache::update(Machine& m, const Value& key, const Value& value, double window) {
  LayerCache& layer = layers_[m.layer()];
  if (whole_engine && quantization) {
    PackedUpdate all = update_packed(m, *quantization, layer.packed, key, value);
    return {std::move(all.keys), std::move(all.values)};
  }
  return kind_ == Kind::grown ? grow(m, layer, key, value, window) : fill(m, layer, key, value, window);
}

/// Old and new rows are concatenated: for a moment one layer's keys exist twice. A layer with a window keeps the last
/// window − 1 rows as a view, so the memory of all rows stays until the next concatenation.
KvCache::KeyValue KvCache::grow(Machine& m, LayerCache& layer, const Value& key, const Value& value, double window) {
  if (window > 0 && !layer.counter) layer.counter = m.allocate({1}, int64, "window", Component::workspace);
  const double joined = layer.kept + key->shape[2];
  Value all_keys = rows(m, key, format_, joined, "keys");
  if (window == 0) layer.key = all_keys;   // a plain layer replaces its keys before it joins the values
  Value all_values = rows(m, value, values(), joined, "values");
  layer.key = all_keys;
  layer.value = all_values;
  layer.kept = window > 0 ? std::min(joined, window - 1) : joined;
  return {std::move(all_keys), std::move(all_values)};
}

double KvCache::room(double window) const {
  const double kept = windows && window > 0 ? std::min(window + slack, capacity_) : capacity_;
  return std::ceil(kept / step) * step;
}

/// Room for every token from the start, one counter a layer.
KvCache::KeyValue KvCache::fill(Machine& m, LayerCache& layer, const Value& key, const Value& value, double window) {
  if (!layer.key) {
    layer.key = rows(m, key, format_, room(window), "keys");
    layer.value = rows(m, value, values(), room(window), "values");
    layer.counter = m.allocate({1}, int64, "counter", Component::workspace);
  }
  return {layer.key, layer.value};
}

void KvCache::stretch(Machine& m, double seen, double window) {
  if (kind_ == Kind::fixed) return;
  LayerCache& layer = layers_[m.layer()];
  if (whole_engine && quantization) return stretch_packed(m, *quantization, layer.packed, seen);
  if (!layer.key) return;
  // The last concatenation joined what was kept before it with one more row.
  const double joined = window > 0 ? std::min(seen - 1, window - 1) + 1 : seen;
  for (Value* half : {&layer.key, &layer.value}) {
    const Shape shape = {(*half)->shape[0], (*half)->shape[1], joined, (*half)->shape[3]};
    half->drop();
    *half = m.allocate(shape, half == &layer.key ? format_ : values(), half == &layer.key ? "keys" : "values", Component::kv_cache);
    (*half)->layout = Layout::head_major;
  }
  layer.kept = window > 0 ? std::min(joined, window - 1) : joined;
}

double KvCache::last_packing_before(double end) const {
  return quantization && !layers_.empty() ? last_packing(*quantization, layers_.begin()->second.packed, end) : 0;
}

double KvCache::keys_met(double past, double added, double window) const {
  if (kind_ == Kind::fixed) return room(window);
  return (window > 0 ? std::min(past, window - 1) : past) + added;
}

}  // namespace gpumem
