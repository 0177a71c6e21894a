#pragma once
// The memory of past tokens, as transformers' cache classes hold it.
// Source: [transformers] cache_utils.py DynamicLayer, DynamicSlidingWindowLayer, StaticLayer

#include <map>

#include "layers/quantized_cache.hpp"
#include "machine/machine.hpp"

namespace gpumem {

class KvCache {
 public:
  enum class Kind { grown, fixed };
  explicit KvCache(Kind kind, const Format* format, double capacity = 0)
      : kind_(kind), format_(format), capacity_(capacity) {}

  struct KeyValue {
    Value key, value;
  };
  // How an engine other than transformers lays out a fixed cache.
  const Format* value_format = nullptr;   ///< of values; null: that of keys
  double step = 1;                        ///< rows come in multiples of this
  double slack = 0;                       ///< rows a layer with a window has beyond it
  bool windows = true;                    ///< false: layers with a window hold every token too
  const CacheQuantization* quantization = nullptr;   ///< of a grown cache in few bits
  /// Adds this pass's keys and values [b, k, s, d] of the running layer and gives back those to attend to.
  KeyValue update(Machine& m, const Value& key, const Value& value, double window);

  [[nodiscard]] bool holds(int layer) const { return layers_.contains(layer); }
  [[nodiscard]] KeyValue held(int layer) const { return {layers_.at(layer).key, layers_.at(layer).value}; }

  /// What a layer carries on beside keys and values, the same however many tokens: empty until it is first set.
  struct States {
    Value conv, scan;
  };
  States& states(int layer) { return layers_[layer].states; }

  /// The running layer's cache as it is when that many tokens have been seen.
  void stretch(Machine& m, double seen, double window);

  /// Keys a query of this pass meets in a layer with that window (0: none).
  [[nodiscard]] double keys_met(double past, double added, double window) const;
  /// See quantized_cache.hpp; of any layer, for all are alike.
  [[nodiscard]] double last_packing_before(double end) const;
  [[nodiscard]] bool fixed() const { return kind_ == Kind::fixed; }
  void clear() { layers_.clear(); }

 private:
  struct LayerCache {
    Value key, value, counter;
    PackedLayer packed;
    States states;
    double kept = 0;
  };
  [[nodiscard]] const Format* values() const { return value_format ? value_format : format_; }
  [[nodiscard]] double room(double window) const;
  KeyValue grow(Machine& m, LayerCache& layer, const Value& key, const Value& value, double window);
  KeyValue fill(Machine& m, LayerCache& layer, const Value& key, const Value& value, double window);

  Kind kind_;
  const Format* format_;
  double capacity_;
  std::map<int, LayerCache> layers_;
};

}  // namespace gpumem
