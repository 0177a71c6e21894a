// Mutants of the table of operations: each rule of what is saved, and each format of what is made, can be switched to a wrong one.

const prelude = `#include <cstdlib>
#include "machine/machine.hpp"
namespace gpumem {
[[maybe_unused]] static bool mutant(int number) {
  static const char* chosen = std::getenv("GPUMEM_MUTANT");
  static const int active = chosen ? std::atoi(chosen) : 0;
  return active == number;
}
[[maybe_unused]] static const Format* mutated(int number, const Format* format) { return mutant(number) ? (format == fp32 ? bf16 : fp32) : format; }
}  // namespace gpumem
`;

const saves = /\bsave\((\w+), (.+?)\);/;
const makes = /(\ballocate\((?:\{[^}]*\}|[^,"]+), )([\w.>[\]-]+)(, ")/;

/** {text, mutants: [{number, line, what}]}: the file with its mutants inside, numbered from `first`. */
export function withMutants(text, first) {
  const mutants = [];
  const add = (line, what) => mutants[mutants.push({ number: first + mutants.length, line, what }) - 1].number;
  const lines = text.split("\n").map((line, i) => {
    const changed = line.replace(makes, (_, before, format, after) => `${before}mutated(${add(i + 1, `another format: ${line.trim()}`)}, ${format})${after}`);
    return changed.replace(saves, (statement) => `if (!mutant(${add(i + 1, `nothing saved: ${line.trim()}`)})) ${statement}`);
  });
  return { text: prelude + lines.join("\n"), mutants };
}
