#include "estimate/diffusion.hpp"
#include "estimate/stack_names.hpp"
#include "estimate/throughput.hpp"

namespace gpumem {

namespace {

Document refusal(const std::vector<Issue>& issues) {
  Document list = Document::list();
  for (const Issue& i : issues) list.push(Document::record({{"path", i.path}, {"code", i.code}, {"message", i.message}}));
  return Document::record({{"ok", false}, {"issues", std::move(list)}});
}

Document answer_for_scenario(const Scenario& read) {
  if (whole_engine && read.parameters) return answer_for_count(read);
  if (whole_engine) {
    if (read.pipeline) return answer_for_pipeline(read);
    if (read.engine == "llama.cpp") return answer_for_llama_cpp(read);
    if (serves(read.engine)) return answer_for_served(read);
    if (runs_locally(read.engine)) return answer_for_local(read);
    if (read.engine == "megatron") return answer_for_megatron(read);
    if (read.inventory && !read.reader) return answer_for_inventory(read);
  }
  if (whole_engine)
    if (const auto refused = refused_stacks(read)) return refusal({*refused});
  const Run run = run_scenario(read);
  if (read.task == Task::training && run.trainable == 0)
    return refusal({{"training.lora.targets", "unknown-module", "names no linear of this model: nothing would be trained. Try \"all-linear\"."}});
  return answer_for(read, run);
}

}  // namespace

Document answer_once(const Document& scenario, const Document& facts) {
  std::vector<Issue> issues;
  const Scenario read = read_scenario(scenario, facts, issues);
  if (!issues.empty()) return refusal(issues);
  Document answer = answer_for_scenario(read);
  if (whole_engine) append_throughput(read, answer);
  return answer;
}

}  // namespace gpumem
