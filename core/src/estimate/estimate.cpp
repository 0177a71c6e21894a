#include "gpumem/estimate.hpp"

#include "estimate/answer.hpp"

namespace gpumem {

Document estimate(const Document& scenario, const Document& facts) {
  std::vector<Issue> issues;
  const Scenario read = read_scenario(scenario, facts, issues);
  if (!issues.empty()) {
    Document list = Document::list();
    for (const Issue& i : issues) list.push(Document::record({{"path", i.path}, {"code", i.code}, {"message", i.message}}));
    return Document::record({{"ok", false}, {"issues", std::move(list)}});
  }
  if (read.parameters) return answer_for_count(read);
  if (read.inventory) return answer_for_inventory(read);
  return answer_for(read, run_scenario(read));
}

}  // namespace gpumem
