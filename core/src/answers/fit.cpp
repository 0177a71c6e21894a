#include <algorithm>

#include "answers/inverse.hpp"
#include "answers/layouts.hpp"
#include "answers/questions.hpp"
#include "architectures/common.hpp"
#include "estimate/offered_weights.hpp"
#include "estimate/weights_of.hpp"

namespace gpumem {
namespace {

/// A number of the scenario that can grow until the memory is full.
struct Growth {
  const char* name;         ///< in the answer
  const char* path;         ///< in the scenario
  double now, most, least = 1;
};

constexpr std::string_view context_path = "inference.contextTokens";

std::vector<Growth> growths(const Scenario& s) {
  constexpr double most_sequences = 1 << 20;
  if (s.parameters) return {};
  if (s.task == Task::training)
    return {{"maxMicroBatch", "training.microBatch", s.training.micro_batch, most_sequences},
            {"maxSequenceTokens", "training.sequenceTokens", s.training.sequence_tokens, most_tokens}};
  const InferenceScenario& i = s.inference;
  if (s.pipeline) return {{"maxSequences", "inference.sequences", i.sequences, 1 << 12}};
  const double images = s.reader ? i.images * s.reader->tokens : 1;   // a prompt that holds them is no shorter
  return {{"maxContextTokens", context_path.data(), i.context_tokens, most_tokens, images},
          {"maxSequences", "inference.sequences", i.sequences, most_sequences}};
}

/// A prompt that fills the context goes on doing so, and what is as long as they are; a shorter one is kept.
Document grown(const Scenario& s, const Growth& g, double to) {
  Document change = change_of(g.path, to);
  if (g.path != context_path) return change;
  const InferenceScenario& i = s.inference;
  const double prompt = i.prompt_tokens == i.context_tokens ? to : std::min(i.prompt_tokens, to);
  merge(change, change_of("inference.promptTokens", prompt));
  if (s.engine == "transformers" && i.prefill_tokens == i.prompt_tokens) merge(change, change_of("inference.prefillTokens", prompt));
  if (s.engine == "vllm" && s.serving.longest == i.context_tokens) merge(change, change_of("engine.options.max_model_len", to));
  return change;
}

/// The component that grew most.
std::string_view grown_most(const Parts& from, const Parts& to) {
  std::size_t most = 0;
  for (std::size_t c = 1; c < component_count; ++c)
    if (to.of[c] - from.of[c] > to.of[most] - from.of[most]) most = c;
  return component_ids[most];
}

/// Quantised as transformers loads them, by libraries that engines which serve leave out.
bool transformers_only(std::string_view id) { return id == "int8" || id.starts_with("nf4") || id.starts_with("hqq"); }

/// What engines load and a menu offers, from the smallest file to the largest; of equal ones what the scenario has comes last.
std::vector<const Mix*> candidates(const Scenario& s) {
  std::vector<const Mix*> mixes, sorted;
  std::vector<Bytes> files;
  Scenario other = s;
  for (const std::string_view id : offered_weights) {
    const Mix* mix = find_mix(id);
    const bool wide = base_format(*mix) == fp32 && mix != s.mix;   // no checkpoint gains by it
    if (mix->gguf != s.mix->gguf || wide || (serves(s.engine) && transformers_only(id))) continue;
    other.mix = mix;
    other.as_stored = s.as_stored && mix == s.mix;
    mixes.push_back(mix);
    files.push_back(weights_of(other).file);
  }
  const auto before = [&](std::size_t a, std::size_t b) { return files[a] != files[b] ? files[a] < files[b] : mixes[a] != s.mix && mixes[b] == s.mix; };
  for (const std::size_t i : ordered(mixes.size(), before)) sorted.push_back(mixes[i]);
  return sorted;
}

/// The weights with most bits that fit.
std::string_view largest_weights(const Asker& asker, const Scenario& s) {
  if (s.gguf || s.task == Task::training || !(s.model || s.inventory)) return {};
  const std::vector<const Mix*> all = candidates(s);
  const double last = static_cast<double>(all.size()) - 1;
  const auto of = [&](double i) { return all[static_cast<std::size_t>(i)]->id; };
  const double found = largest_that_fits(0, last, last, [&](double i) { return asker.ask("weights", of(i)).headroom; }).value_or(last);
  return found < 0 ? std::string_view() : of(found);
}

/// llama.cpp's n_gpu_layers: the layers, and one more for the output. Not even none of them may fit.
Document gpu_layers(const Asker& asker, const Scenario& s) {
  double all = s.gguf ? static_cast<double>(s.gguf->layers.size()) : 0;
  if (!s.gguf)
    for (const GgufTensor& t : file_of(s).tensors) all = std::max(all, t.layer + 1.0);
  const auto headroom = [&](double at) { return asker.ask("engine.options.n_gpu_layers", at).headroom; };
  const double found = largest_that_fits(0, all + 1, all + 1, headroom).value_or(all + 1);
  return found < 0 ? Document() : Document(found);
}

}  // namespace

Document fit_document(const Asker& asker, const Scenario& s) {
  Document fit = Document::record();
  if (const std::optional<GpuSplit> layout = smallest_layout(asker, s.engine)) {
    fit.append("gpusNeeded", layout->gpus);
    fit.append("layout", layout->degrees);
  }
  Document limits = Document::record();
  std::string_view limited_by;
  for (const Growth& g : growths(s)) {
    Parts least, beyond;
    double fails = std::numeric_limits<double>::infinity();
    const auto headroom = [&](double at) {
      const Reading r = asker.ask(grown(s, g, at));
      if (at == g.least) least = r.parts;
      if (r.answered && r.headroom < 0 && at < fails) {
        fails = at;
        beyond = r.parts;
      }
      return r.headroom;
    };
    const std::optional<double> most = largest_that_fits(g.least, g.most, g.now, headroom);
    if (!most) continue;   // it takes nothing
    fit.append(g.name, *most < g.least ? 0 : *most);
    if (!std::isfinite(fails)) continue;
    const std::string_view by = grown_most(*most < g.least ? Parts() : least, beyond);
    limits.append(g.name, by);
    if (limited_by.empty()) limited_by = by;
  }
  if (s.model && s.task == Task::inference) fit.append("trainedTokens", s.model->max_positions);
  if (s.engine == "llama.cpp") fit.append("maxGpuLayers", gpu_layers(asker, s));
  if (const std::string_view best = largest_weights(asker, s); !best.empty()) fit.append("largestWeights", best);
  if (!limited_by.empty()) fit.append("limitedBy", limited_by);
  fit.append("limits", std::move(limits));
  return fit;
}

}  // namespace gpumem
