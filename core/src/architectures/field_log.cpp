#include "architectures/field_log.hpp"

#include <algorithm>

namespace gpumem {
namespace {

thread_local FieldLog* open_log = nullptr;

}  // namespace

FieldLog::FieldLog() : outer_(open_log) { open_log = this; }
FieldLog::~FieldLog() { open_log = outer_; }

bool FieldLog::is_open() { return open_log != nullptr; }

void FieldLog::note(FieldRead read) {
  if (!open_log) return;
  std::vector<FieldRead>& all = open_log->reads_;
  const auto known = std::find_if(all.begin(), all.end(), [&](const FieldRead& r) { return r.path == read.path; });
  if (known == all.end()) all.push_back(std::move(read));
  else if (read.kind != "any") *known = std::move(read);
}

}  // namespace gpumem
