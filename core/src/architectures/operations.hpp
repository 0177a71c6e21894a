#pragma once
// What the operations of an expression do with values. They follow Python, whose configurations they describe.

#include <string_view>
#include <vector>

#include "architectures/expression.hpp"

namespace gpumem {

/// A number, or the first of a list: image sizes and the like may be written either way.
double number_of(const Document& value, Evaluation& e);
bool truth_of(const Document& value);
bool equal(const Document& a, const Document& b);
/// The element of a list, counted from the end where `place` is negative; a single value has itself at every place.
Document element(const Document& list, double place, Evaluation& e);
Document apply(std::string_view op, const std::vector<Document>& values, Evaluation& e);

}  // namespace gpumem
