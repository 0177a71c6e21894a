// What is asked beside the estimate itself. Answering takes some dozens of estimates, so a summary is not asked by default.
#include <algorithm>

#include "estimate/scenario.hpp"

namespace gpumem {

void read_questions(Fields& request, Scenario& s) {
  const Document* given = request.value({"questions"});
  if (!given) {
    if (s.device && s.detail != Detail::summary) s.questions.assign(std::begin(known_questions), std::end(known_questions));
    return;
  }
  bool sound = given->is(Document::Kind::list);
  for (const Document& one : given->items()) {
    sound = sound && one.is(Document::Kind::text) && std::find(std::begin(known_questions), std::end(known_questions), one.text()) != std::end(known_questions);
    if (sound && std::find(s.questions.begin(), s.questions.end(), one.text()) == s.questions.end()) s.questions.push_back(one.text());
  }
  if (!sound) request.report("questions", "unknown-word", "must be a list of \"fit\" and \"advice\"");
}

}  // namespace gpumem
