#pragma once
// What an engine was linked with. The page starts with one that has the common decoders' programs only, so that its first
// answer comes soon; the whole engine follows it and answers everything. The same library makes both: the linker leaves out
// what stands behind `whole_engine`. What the smaller one cannot answer in the very same way it must refuse.

namespace gpumem {

extern const bool whole_engine;   ///< true but for the engine of the first answer

}  // namespace gpumem
