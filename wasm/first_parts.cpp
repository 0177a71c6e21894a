// Stands in place of core/src/machine/parts.cpp in the engine of the first answer.

namespace gpumem {

extern const bool whole_engine;
const bool whole_engine = false;

}  // namespace gpumem
