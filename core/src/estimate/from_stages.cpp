// A pipeline that serves: each stage is a model of its own layers that takes its own pool, and all keep as many blocks as
// the one with the fewest.
// Source: [vllm-cache-planner] vllm/v1/core/kv_cache_utils.py get_kv_cache_configs: the smallest number of all workers

#include <algorithm>
#include <cmath>

#include "estimate/answer.hpp"
#include "estimate/quick.hpp"
#include "placement/pipeline_stages.hpp"

namespace gpumem {
namespace {

Scenario stage_of(const Scenario& whole, const std::vector<int>& layers, std::size_t stage) {
  Scenario s = whole;
  int first = 0;
  for (std::size_t i = 0; i < stage; ++i) first += layers[i];
  s.model = decoder_of_stage(*whole.model, first, layers[stage]);
  s.layout.pipeline = 1;
  s.serving.first_stage = stage == 0;
  s.serving.last_stage = stage + 1 == layers.size();
  return s;
}

double number_at(const Document& d, std::string_view record, std::string_view name) {
  const Document* inner = d.find(record);
  const Document* value = inner ? inner->find(name) : nullptr;
  return value ? value->number() : 0;
}

/// Bytes of that component of an answer's only device.
double part_at(const Document& answer, Component part) {
  for (const Document& c : answer.find("devices")->items().front().find("components")->items())
    if (c.find("id")->text() == component_ids[static_cast<std::size_t>(part)]) return c.find("bytes")->number();
  return 0;
}

}  // namespace

Document answer_for_stages(const Scenario& s) {
  const std::vector<int> layers = layers_by_stage(static_cast<int>(s.model->layers.size()), static_cast<int>(s.layout.pipeline));
  std::vector<Document> stages;
  double fewest = -1;   // of the longest requests at once
  for (std::size_t i = 0; i < layers.size(); ++i) {
    stages.push_back(answer_for_served(stage_of(s, layers, i)));
    const double holds = number_at(stages.back(), "kvCache", "concurrency");
    if (fewest < 0 || holds < fewest) fewest = holds;
  }
  constexpr std::string_view sums[] = {"bytesPerToken", "bytesPerSequence", "bytes"};
  double summed[std::size(sums)] = {};
  Document devices = Document::list(), cache;
  std::vector<std::pair<double, Document>> rows;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const double holds = number_at(stages[i], "kvCache", "concurrency");
    if (holds > fewest && !s.serving.pool) {
      Scenario again = stage_of(s, layers, i);
      constexpr double half_block = 0.5;   // the share is of whole blocks
      const double taken = part_at(stages[i], Component::kv_cache), blocks = taken * fewest / holds;
      again.serving.pool = bytes(blocks + half_block * std::min(1.0, taken - blocks));
      stages[i] = answer_for_served(again);
    }
    for (std::size_t k = 0; k < std::size(sums); ++k) summed[k] += number_at(stages[i], "kvCache", sums[k]);
    Document device = stages[i].find("devices")->items().front();
    device.set("role", text_of({"stage ", number_text(static_cast<double>(i))}));
    const double process = number_at(device, "processBytes", "expected");
    rows.emplace_back(process, std::move(device));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (auto& [size, device] : rows) devices.push(std::move(device));

  Scenario alone = s;   // what does not depend on the cut is that of the whole model
  alone.layout.pipeline = 1;
  Document answer = answer_for_served(alone);
  answer.set("scenario", completed(s));
  answer.set("devices", std::move(devices));
  if (const Document* one = answer.find("kvCache")) {
    cache = *one;
    for (std::size_t k = 0; k < std::size(sums); ++k) cache.set(sums[k], summed[k]);
    const double longest = s.serving.longest;
    cache.set("tokensThatFit", std::floor(fewest * longest));
    cache.set("concurrency", fewest);
    answer.set("kvCache", std::move(cache));
  }
  answer.set("assumptions", *stages.front().find("assumptions"));
  return answer;
}

}  // namespace gpumem
