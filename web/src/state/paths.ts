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
  remove(tree, path.split("."));
  return String(value);
}

function remove(tree: Tree, [name, ...inner]: string[]): void {
  if (inner.length > 0) remove(tree[name] as Tree, inner);
  if (inner.length === 0 || Object.keys(tree[name] as Tree).length === 0) delete tree[name];
}

/** A JSON merge patch made: records go into records, everything else takes the place of what was there. */
export function merged(base: unknown, change: unknown): unknown {
  if (!isTree(change)) return change;
  const made: Tree = isTree(base) ? { ...base } : {};
  for (const [name, value] of Object.entries(change)) made[name] = merged(made[name], value);
  return made;
}
