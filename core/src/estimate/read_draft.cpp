// The draft of speculative decoding: a small model that lies beside the large one, an estimate of its own.

#include <algorithm>

#include "engines/vllm/eagle.hpp"
#include "estimate/scenario.hpp"
#include "estimate/weights_of.hpp"

namespace gpumem {
namespace {

/// One context of the draft serves all slots with the large model's options, but for what places it and the formats of its
/// cache; until 2026 each slot had one of its own.
/// Source: [llama-cpp] common/speculative.cpp common_base_params_to_speculative; tools/server/server.cpp load_model of 2025
Document llama_cpp_options(const Scenario& s, double slots) {
  Document made = Document::record();
  for (const std::string_view name : {"n_ctx", "n_parallel", "kv_unified", "swa_full", "n_batch", "n_ubatch", "flash_attn", "engine"})
    if (const Document* given = s.engine_options.find(name)) made.append(name, *given);
  made.append("n_outputs_max", slots);
  return made;
}

/// Source: [vllm] vllm/v1/spec_decode/draft_model.py: the large model's lengths, batches and cut
Document vllm_options(const Scenario& s) {
  const ServingScenario& v = s.serving;
  return Document::record({{"max_model_len", v.longest}, {"max_num_batched_tokens", v.batched_tokens}, {"max_num_seqs", v.requests}, {"block_size", v.block_tokens}});
}

/// The request as the draft alone would be asked for.
Document draft_request(const Document& given, const Scenario& s) {
  Document model = Document::record();
  Document all = Document::record();
  for (const auto& [name, value] : given.members())
    if (name == "weights") all.append("weights", value);
    else model.append(name, value);
  const InferenceScenario& i = s.inference;
  const bool llama_cpp = s.engine == "llama.cpp", alone = llama_cpp && before_2026(s.engine_version), served = s.engine == "vllm";
  const double slots = s.llama_cpp.slots > 0 ? s.llama_cpp.slots : i.sequences;
  Document inference = Document::record({{"sequences", alone ? 1.0 : i.sequences},
                                         {"contextTokens", i.context_tokens},
                                         {"promptTokens", i.prompt_tokens},
                                         {"prefillTokens", i.prefill_tokens},
                                         {"attention", i.attention}});
  if (served) inference.append("kvFormat", i.kv_format);
  Document engine = Document::record({{"name", s.engine}, {"version", s.engine_version}});
  if (llama_cpp && !alone) engine.append("options", llama_cpp_options(s, slots));
  if (served) {
    engine.append("options", vllm_options(s));
    all.append("parallel", Document::record({{"tensor", s.serving.ranks}}));
  }
  all.append("model", std::move(model));
  all.append("engine", std::move(engine));
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

/// A head that shares the large model's token table: it has none, and of the older kind neither norm nor head.
/// Source: [vllm] vllm/v1/spec_decode/llm_base_proposer.py _maybe_share_embeddings, _maybe_share_lm_head
bool share_with_target(Scenario& draft, std::vector<Issue>& issues) {
  if (!draft.model || !draft.config) return false;
  Fields config(draft.config, "model.config", issues);
  const std::optional<vllm::EagleHead> head = vllm::read_eagle_head(config);
  if (!head) return false;
  draft.serving.first_stage = false;
  draft.serving.last_stage = head->third;
  if (head->vocabulary > 0) draft.model->vocabulary = head->vocabulary;
  draft.model->tied = false;
  return true;
}

/// Source: [transformers] generation/utils.py GenerationMixin._assisted_decoding; [llama-cpp] tools/server/server.cpp
void read_draft(const Document& request, const Document& facts, std::vector<Issue>& issues, Scenario& s) {
  const Document* inference = request.find("inference");
  const Document* given = inference && inference->is(Document::Kind::record) ? inference->find("draft") : nullptr;
  if (!given || given->is(Document::Kind::null) || s.task == Task::training) return;
  const auto refuse = [&](std::string_view code, std::string message) { issues.push_back({"inference.draft", std::string(code), std::move(message)}); };
  if (!given->is(Document::Kind::record)) return refuse("wrong-type", "must be {\"id\"} or {\"config\"} of the small model");
  const bool vllm = s.engine == "vllm";
  if (s.engine != "llama.cpp" && s.engine != "transformers" && !vllm) return refuse("unsupported", text_of({"draft models are not computed yet under ", s.engine, "; they are under transformers, llama.cpp and vllm"}));
  if (vllm && s.layout.pipeline > 1) return refuse("unsupported", "a draft beside a pipeline is not computed so far");
  if (s.engine == "transformers" && s.inference.sequences > 1) return refuse("contradiction", "transformers checks the draft of one sequence at a time: sequences must be 1");
  if (s.engine == "transformers" && !s.model) return refuse("unsupported", "a draft needs a large model whose program is known");
  const auto whole = std::make_shared<Whole>();
  whole->asked = draft_request(*given, s);
  for (const auto& [theirs, ours] : {std::pair{"draft", "config"}, std::pair{"architectures", "architectures"}})
    if (const Document* known = facts.find(theirs)) whole->facts.append(ours, *known);
  std::vector<Issue> inner;
  whole->scenario = read_scenario(whole->asked, whole->facts, inner);
  const bool shares = vllm && share_with_target(whole->scenario, inner);
  for (Issue& i : inner) issues.push_back({path_of(i.path), i.code, std::move(i.message)});
  if (!inner.empty()) return;
  const Scenario& draft = whole->scenario;
  const bool counted = s.engine == "transformers" ? draft.model.has_value() : draft.model || draft.inventory;
  if (!counted) return refuse("unsupported", "the draft's own layers are not known");
  // Source: [vllm] vllm/config/speculative.py verify_equal_vocab_size_if_draft_model
  if (vllm && !shares && draft.model && s.model && draft.model->vocabulary != s.model->vocabulary)
    return refuse("contradiction", text_of({"vllm takes drafts of the same vocabulary: ", number_text(draft.model->vocabulary), " and ", number_text(s.model->vocabulary)}));
  s.draft = {whole, &whole->scenario};
  const bool each = before_2026(s.engine_version);
  s.assumptions.push_back({"draft", vllm ? std::string("The draft's weights lie beside the large model, its layers take blocks from the same pool.") : s.engine == "llama.cpp"
      ? text_of({"The draft's weights, its cache and its compute buffer lie beside the large model, ", each ? "those two once for each slot" : "one of each for all slots", "; keys and values of the draft are in fp16."})
      : text_of({"The draft's weights and its cache at full length lie beside the large model, which checks up to ", number_text(s.draft_tokens), " tokens at once (num_assistant_tokens)."})});
}

}  // namespace gpumem
