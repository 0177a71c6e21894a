// What a sweep goes through: every combination of some values of some fields.
import type { Scenario } from "../engine/types";
import { countOrText } from "../format/counts";
import { setAt } from "../state/paths";

export interface Axis {
  path: string;
  values: unknown[];
}

export const mostPoints = 10_000;

/** "1024, 4096": these. "1024..65536": doubling. "1024..8192/512": in steps of 512. Undefined where it reads like none of them, or like too many. */
export function valuesOf(text: string): unknown[] | undefined {
  const values = text.split(",").flatMap((part) => rangeOf(part.trim()) ?? [valueOf(part)]);
  return text.trim() === "" || values.length > mostPoints ? undefined : values;
}

const valueOf = (text: string) => (/^(true|false)$/.test(text.trim()) ? text.trim() === "true" : countOrText(text));

function rangeOf(text: string): number[] | undefined {
  const match = /^(\d+)\.\.(\d+)(?:\/(\d+))?$/.exec(text);
  if (!match) return undefined;
  const [from, to, step] = match.slice(1).map(Number);
  const next = step ? (at: number) => at + step : (at: number) => Math.max(1, at * 2);
  const found = [];
  for (let at = from; at <= to && found.length <= mostPoints; at = next(at)) found.push(at);
  return found;
}

export const countOf = (axes: Axis[]) => axes.reduce((count, { values }) => count * values.length, 1);

/** The values of one point, the last axis running fastest. */
export function pointOf(axes: Axis[], i: number): unknown[] {
  let rest = i;
  const point = new Array<unknown>(axes.length);
  for (let axis = axes.length - 1; axis >= 0; axis--) {
    const { values } = axes[axis];
    point[axis] = values[rest % values.length];
    rest = Math.floor(rest / values.length);
  }
  return point;
}

/** Up to here each point is the answer itself. A summary takes a fifth of the time, and its replay of the allocator leaves layers out. */
export const mostWhole = 500;

/** The scenario there. */
export function scenarioAt(scenario: Scenario, axes: Axis[], i: number): Scenario {
  const changed = structuredClone(scenario) as unknown as Record<string, unknown>;
  const point = pointOf(axes, i);
  for (const [axis, { path }] of axes.entries()) setAt(changed, path, point[axis]);
  return { ...(changed as unknown as Scenario), detail: countOf(axes) > mostWhole ? "summary" : "timeline", questions: [] };
}
