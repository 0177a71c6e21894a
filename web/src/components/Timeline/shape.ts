// From moments to outlines: one step per moment, parts on top of each other.
import type { Moment } from "../../engine/types";

/** One closed outline for each part, in a box as wide as there are moments. */
export function areas(moments: Pick<Moment, "components">[], ids: string[], top: number, height: number): { id: string; path: string }[] {
  let below = moments.map(() => 0);
  return ids.map((id) => {
    const above = moments.map(({ components }, i) => below[i] + (components[id] ?? 0));
    const path = `M${edge(above, top, height)}L${edge(below, top, height, true)}Z`;
    below = above;
    return { id, path };
  });
}

function edge(sums: number[], top: number, height: number, backwards = false): string {
  const steps = sums.flatMap((sum, i) => {
    const y = (height * (1 - sum / top)).toFixed(1);
    return [`${i} ${y}`, `${i + 1} ${y}`];
  });
  return (backwards ? steps.reverse() : steps).join("L");
}

/** Neighbouring moments of one phase, with how many they are. */
export function runsOf(moments: Moment[]): { phase: string; length: number }[] {
  const runs: { phase: string; length: number }[] = [];
  for (const { phase } of moments) {
    const last = runs.at(-1);
    if (last?.phase === phase) last.length++;
    else runs.push({ phase, length: 1 });
  }
  return runs;
}
