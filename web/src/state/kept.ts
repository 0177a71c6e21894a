// Choices that outlive the visit. A browser may refuse to keep anything; then they last as long as the page.
import { useEffect, useState } from "preact/hooks";

export function useKept<Word extends string>(name: string, words: readonly Word[]): [Word, (word: Word) => void] {
  const [word, setWord] = useState<Word>(() => {
    const kept = quietly(() => localStorage.getItem(`gpumem-${name}`));
    return words.find((known) => known === kept) ?? words[0];
  });
  useEffect(() => void quietly(() => localStorage.setItem(`gpumem-${name}`, word)), [word]);
  return [word, setWord];
}

function quietly<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
