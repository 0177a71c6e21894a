// Which field an issue belongs to.
import type { Issue } from "../engine/types";

/** Messages by path of a shown field; what no shown field holds comes under "". */
export function issuesByPath(issues: Issue[], shown: string[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { path, message } of issues) {
    const owners = shown.filter((field) => path === field || path.startsWith(`${field}.`));
    const owner = owners.sort((a, b) => b.length - a.length)[0] ?? "";
    const inside = path.slice(owner.length).replace(/^\./, "");
    (found[owner] ??= []).push(inside ? `${inside}: ${message}` : message.charAt(0).toUpperCase() + message.slice(1));
  }
  return found;
}
