// Each line of standard input is {"scenario": …, "facts": …}; each line of output is the estimate.

#include <iostream>
#include <string>

#include "gpumem/estimate.hpp"
#include "json_document.hpp"
#include "write_json.hpp"

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto request = nlohmann::ordered_json::parse(line);
    const gpumem::Document scenario = gpumem::test::read(request["scenario"]);
    const gpumem::Document facts = request.contains("facts") ? gpumem::test::read(request["facts"]) : gpumem::Document::record();
    std::cout << gpumem::write_json(gpumem::estimate(scenario, facts)) << '\n';
  }
}
