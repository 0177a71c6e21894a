#include "machine/parts.hpp"

namespace gpumem {

const bool whole_engine = true;

}  // namespace gpumem
