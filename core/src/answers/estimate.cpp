// The estimate, and after it what was asked beside it.

#include "gpumem/estimate.hpp"

#include "answers/questions.hpp"
#include "estimate/answer.hpp"

namespace gpumem {

Document estimate(const Document& request, const Document& facts) {
  Document answer = answer_once(request, facts);
  const Document* echoed = answer.find("scenario");
  const Document* questions = echoed ? echoed->find("questions") : nullptr;
  if (!questions || questions->items().empty()) return answer;
  std::vector<Issue> none;
  const Scenario scenario = read_scenario(request, facts, none);
  const Asker asker(request, facts);
  for (const std::string& one : scenario.questions) {
    if (one == "advice") answer.append("advice", advice_document(asker, scenario));
    else if (scenario.device) answer.append("fit", fit_document(asker, scenario));
  }
  return answer;
}

}  // namespace gpumem
