// A diffusion pipeline: the weights of all its components, and each phase's own.

#include <algorithm>

#include "engines/diffusers.hpp"
#include "estimate/diffusion.hpp"
#include "estimate/explain.hpp"
#include "estimate/quick.hpp"

namespace gpumem {
namespace {

bool chosen(const Scenario& s, std::string_view option) {
  const Document* given = s.engine_options.find(option);
  return given && given->truth() && s.pipeline->runs();
}

bool by_modules(const Scenario& s) { return chosen(s, "enable_sequential_cpu_offload"); }

bool takes_turns(const Scenario& s) {
  return chosen(s, "enable_model_cpu_offload");
}

PipelinePlan plan_of(const Scenario& s) {
  PipelinePlan plan;
  plan.weights = s.weight_format();
  plan.decoder = find_format(s.diffusion.decoder_format);
  plan.images = s.inference.sequences;
  plan.width = s.diffusion.width;
  plan.height = s.diffusion.height;
  plan.frames = s.diffusion.frames;
  if (s.pipeline->flow.any_length) plan.prompt_tokens = s.inference.prompt_tokens;
  plan.decoding = {s.diffusion.slices, s.diffusion.tiles};
  plan.one_by_one = takes_turns(s);
  plan.module_by_module = by_modules(s);
  // Source: [diffusers] pipelines/stable_diffusion/pipeline_stable_diffusion.py do_classifier_free_guidance
  const Document* scale = s.engine_options.find("guidance_scale");
  plan.guided = !scale || scale->number() > 1;
  return plan;
}

void say_what_is_missing(Scenario& s) {
  const Pipeline& p = *s.pipeline;
  if (s.detail == Detail::tensors) s.assumptions.push_back({"tensors-unlisted", "Single tensors of a pipeline are not listed yet."});
  if (p.runs()) {
    constexpr std::string_view uncounted = "the scratch memory of convolution kernels is not counted in what is allocated.";
    if (by_modules(s))
      s.assumptions.push_back({"module-by-module", text_of({"A module's parameters are on the device only while it runs, the rest waits in main memory; ", uncounted})});
    else if (takes_turns(s))
      s.assumptions.push_back({"one-by-one", text_of({"A component is on the device only while it runs, the others wait in main memory; ", uncounted})});
    else
      s.assumptions.push_back({"all-resident", text_of({"All components stay on the device; ", uncounted})});
    return;
  }
  s.assumptions.push_back({"activations-unknown", text_of({"The weights are exact, tensor by tensor; how ", p.class_name, " runs is not known here, so what its steps allocate is not counted."})});
}

Document timeline_of(const Machine& m) {
  Document list = Document::list();
  for (const Stretch& stretch : m.memory.ledger.stretches()) {
    Document point = Document::record({{"phase", stretch.phase}, {"at", stretch.phase}, {"bytes", stretch.highest}});
    point.append("components", parts_document(stretch.parts));
    list.push(std::move(point));
  }
  return list;
}

}  // namespace

Document answer_for_pipeline(const Scenario& given) {
  Scenario s = given;
  say_what_is_missing(s);
  Machine m;
  const PipelineFacts facts = run_pipeline(m, *s.pipeline, plan_of(s));
  const auto& all = m.memory.ledger.stretches();
  const Stretch& peak = *std::max_element(all.begin(), all.end(), [](const Stretch& a, const Stretch& b) { return a.highest < b.highest; });
  double total = 0;
  Bytes file;
  for (std::size_t i = 0; i < facts.parameters; ++i) {
    const Parameter& row = m.parameters.rows[i];
    total += row.count() * row.copies;
    file += row.stored() * row.copies;
  }
  Document devices = Document::list();
  devices.push(device_document(s, peak.parts, peak.phase));
  Document answer = Document::record(
      {{"ok", true},
       {"scenario", completed(s)},
       {"parameters", Document::record({{"total", total}, {"active", total}, {"trainable", 0}})},
       {"devices", std::move(devices)},
       {"modelFile", Document::record({{"tensorBytes", file}, {"bitsPerWeight", in(bytes, file) * 8 / total}})}});
  if (s.detail != Detail::summary) answer.append("timeline", timeline_of(m));
  answer.append("quickEstimate", quick_estimate(s, total));
  if (s.detail != Detail::summary) answer.append("explanations", explanations_for_count(s, total));
  answer.append("assumptions", assumptions_document(s));
  return answer;
}

}  // namespace gpumem
