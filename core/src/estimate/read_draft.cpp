// The draft of speculative decoding: a small model that lies beside the large one, an estimate of its own.

#include <algorithm>

#include "estimate/scenario.hpp"

namespace gpumem {
namespace {

/// The request as the draft alone would be asked for.
Document draft_request(const Document& given, const Scenario& s) {
  Document model = Document::record();
  Document all = Document::record();
  for (const auto& [name, value] : given.members())
    if (name == "weights") all.append("weights", value);
    else model.append(name, value);
  const InferenceScenario& i = s.inference;
  const bool llama_cpp = s.engine == "llama.cpp";   // a context of the draft for each slot, with its own formats
  Document inference = Document::record({{"sequences", llama_cpp ? 1.0 : i.sequences},
                                         {"contextTokens", i.context_tokens},
                                         {"promptTokens", i.prompt_tokens},
                                         {"prefillTokens", i.prefill_tokens},
                                         {"attention", i.attention}});
  all.append("model", std::move(model));
  all.append("engine", Document::record({{"name", s.engine}, {"version", s.engine_version}}));
  all.append("inference", std::move(inference));
  all.append("detail", "summary");
  return all;
}

/// A scenario points into what it was read from.
struct Whole {
  Document asked, facts = Document::record();
  Scenario scenario;
};

std::string path_of(const std::string& inner) {
  constexpr std::string_view model = "model";
  return "inference.draft" + (inner.rfind(model, 0) == 0 ? inner.substr(model.size()) : "." + inner);
}

}  // namespace

/// Source: [transformers] generation/utils.py GenerationMixin._assisted_decoding; [llama-cpp] tools/server/server.cpp
void read_draft(const Document& request, const Document& facts, std::vector<Issue>& issues, Scenario& s) {
  const Document* inference = request.find("inference");
  const Document* given = inference && inference->is(Document::Kind::record) ? inference->find("draft") : nullptr;
  if (!given || given->is(Document::Kind::null) || s.task == Task::training) return;
  const auto refuse = [&](std::string_view code, std::string message) { issues.push_back({"inference.draft", std::string(code), std::move(message)}); };
  if (!given->is(Document::Kind::record)) return refuse("wrong-type", "must be {\"id\"} or {\"config\"} of the small model");
  if (s.engine != "llama.cpp" && s.engine != "transformers") return refuse("unsupported", text_of({"draft models are not computed yet under ", s.engine, "; they are under transformers and llama.cpp"}));
  if (s.engine == "transformers" && s.inference.sequences > 1) return refuse("contradiction", "transformers checks the draft of one sequence at a time: sequences must be 1");
  if (s.engine == "transformers" && !s.model) return refuse("unsupported", "a draft needs a large model whose program is known");
  const auto whole = std::make_shared<Whole>();
  whole->asked = draft_request(*given, s);
  for (const auto& [theirs, ours] : {std::pair{"draft", "config"}, std::pair{"architectures", "architectures"}})
    if (const Document* known = facts.find(theirs)) whole->facts.append(ours, *known);
  std::vector<Issue> inner;
  whole->scenario = read_scenario(whole->asked, whole->facts, inner);
  for (Issue& i : inner) issues.push_back({path_of(i.path), i.code, std::move(i.message)});
  if (!inner.empty()) return;
  const Scenario& draft = whole->scenario;
  const bool counted = s.engine == "transformers" ? draft.model.has_value() : draft.model || draft.inventory;
  if (!counted) return refuse("unsupported", "the draft's own layers are not known");
  s.draft = {whole, &whole->scenario};
  s.assumptions.push_back({"draft", s.engine == "llama.cpp"
      ? "The draft's weights, one cache and one compute buffer for each slot lie beside the large model; keys and values of the draft are in fp16."
      : text_of({"The draft's weights and its cache at full length lie beside the large model, which checks up to ", number_text(s.draft_tokens), " tokens at once (num_assistant_tokens)."})});
}

}  // namespace gpumem
