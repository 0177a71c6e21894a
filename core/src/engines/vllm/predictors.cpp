#include "engines/vllm/predictors.hpp"

#include <algorithm>
#include <cmath>

#include "architectures/common.hpp"

namespace gpumem::vllm {
namespace {

constexpr double norms = 3;   // of the embedding, of the hidden state, and before the head

}  // namespace

Decoder with_predictors(Decoder m, double count) {
  if (count == 0 || m.layers.empty()) return m;
  for (double i = 0; i < count; ++i) m.layers.push_back(m.layers.back());
  m.beside.push_back({"predictor.eh_proj.weight", {m.hidden, 2 * m.hidden}, count});
  m.beside.push_back({"predictor.norm.weight", {m.hidden}, norms * count});
  return m;
}

StoredTensors with_predictors(StoredTensors all, double hidden, double count) {
  int last = -1;
  for (const StoredTensor& t : all) last = std::max(last, t.layer);
  StoredTensors of_last;
  std::copy_if(all.begin(), all.end(), std::back_inserter(of_last), [&](const StoredTensor& t) { return t.layer == last; });
  for (int i = 1; last >= 0 && i <= static_cast<int>(count); ++i) {
    for (StoredTensor& t : of_last) t.layer = last + i;
    all.insert(all.end(), of_last.begin(), of_last.end());
  }
  all.push_back({"predictor.eh_proj.weight", {hidden, 2 * hidden}, -1, count});
  all.push_back({"predictor.norm.weight", {hidden}, -1, norms * count});
  return all;
}

CacheRows with_predictors(CacheRows rows, double count) {
  CacheRow* longest = nullptr;   // of attention to all tokens, where some layers have it
  for (CacheRow& r : rows.rows)
    if (r.per_token > 0 && (!longest || r.window == 0)) longest = &r;
  if (longest) longest->layers += count;
  return rows;
}

double predictors_of(const Document& config) {
  const Document* text = config.find("text_config");
  for (const Document* part : {text, &config})
    for (const char* name : {"num_nextn_predict_layers", "mtp_num_hidden_layers"})
      if (const Document* n = part && part->is(Document::Kind::record) ? part->find(name) : nullptr; n && n->is(Document::Kind::number))
        if (n->number() >= 1 && n->number() <= most_layers && n->number() == std::floor(n->number())) return n->number();
  return 0;
}

}  // namespace gpumem::vllm
