// Reading and writing a place in a scenario by its path, "inference.sequences".

type Tree = Record<string, unknown>;

export const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value);

export function valueAt(tree: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((at, name) => (isTree(at) && Object.hasOwn(at, name) ? at[name] : undefined), tree);
}

export function setAt(tree: Tree, path: string, value: unknown): void {
  const names = path.split(".");
  const last = names.pop() as string;
  let at = tree;
  for (const name of names) at = (isTree(at[name]) ? at[name] : (at[name] = {})) as Tree;
  at[last] = value;
}

/** Takes a text, number or flag out and returns it as text; groups that end up empty go too. */
export function takeAt(tree: Tree, path: string): string | undefined {
  const value = valueAt(tree, path);
  if (!["string", "number", "boolean"].includes(typeof value)) return undefined;
  const names = path.split(".");
  const last = names.pop() as string;
  const group = names.length > 0 ? (valueAt(tree, names.join(".")) as Tree) : tree;
  delete group[last];
  if (names.length > 0 && Object.keys(group).length === 0) delete tree[names[0]];
  return String(value);
}
