// A scenario's fields by their paths, without the model's own and without what is asked about the answer.
const apart = new Set(["model", "detail", "questions", "task"]);

export function leavesOf(tree: unknown, path = ""): [string, string][] {
  if (tree === null || tree === undefined || tree === "") return [];
  if (Array.isArray(tree)) return tree.length > 0 ? [[path, tree.map(String).join(" ").slice(0, 80)]] : [];
  if (typeof tree !== "object") return [[path, String(tree).slice(0, 80)]];
  return Object.entries(tree).flatMap(([name, value]) => (path === "" && apart.has(name) ? [] : leavesOf(value, path ? `${path}.${name}` : name)));
}
