#pragma once
#include <string>

namespace gpumem {

/// A finite number as JSON writes it: whole numbers below 10^18 in full, others with 12 significant digits. The same
/// text on every platform; made by hand because the C library's way costs a sixth of the WebAssembly.
std::string number_text(double value);

}  // namespace gpumem
