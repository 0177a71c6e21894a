// What JavaScript may call. A request crosses as bytes (request_bytes.hpp), an answer as JSON text; nothing else crosses.

#include <vector>

#include "gpumem/estimate.hpp"
#include "request_bytes.hpp"
#include "write_json.hpp"

namespace {

std::vector<unsigned char> request;
std::string answer;   // until the next call

}  // namespace

extern "C" {

/// Room for the bytes of a scenario and of its facts.
unsigned char* gpumem_request(std::size_t size) {
  request.resize(size);
  return request.data();
}

const char* gpumem_answer() { return answer.data(); }

/// Each of these returns the size of its answer.
std::size_t gpumem_estimate() {
  gpumem::RequestBytes bytes(request.data());
  const gpumem::Document scenario = bytes.document();
  const gpumem::Document facts = bytes.document();
  answer = gpumem::write_json(gpumem::estimate(scenario, facts));
  return answer.size();
}

std::size_t gpumem_describe() {
  answer = gpumem::write_json(gpumem::describe());
  return answer.size();
}

/// Of the scenario whose bytes lie in the request.
std::size_t gpumem_fields() {
  gpumem::RequestBytes bytes(request.data());
  const gpumem::Document scenario = bytes.document();
  const gpumem::Document facts = bytes.document();
  answer = gpumem::write_json(gpumem::fields_of(scenario, facts));
  return answer.size();
}

std::size_t gpumem_version() {
  answer = GPUMEM_VERSION;
  return answer.size();
}

}  // extern "C"
