import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { root } from "../../scripts/support/run.mjs";
import { budgetProblems, budgets, loadedBy, measure } from "./rules/budgets.mjs";

test("what was built keeps to its budgets", (t) => {
  assert.ok(existsSync(join(root, "dist/index.html")), "nothing is built yet; npm run build comes first");
  const sizes = measure(root);
  for (const [name, size] of Object.entries(sizes)) t.diagnostic(`${name}: ${size} of ${budgets[name].limit} bytes`);
  assert.deepEqual(budgetProblems(sizes), []);
});

test("found: one byte too many, and nothing at all", () => {
  const full = Object.fromEntries(Object.entries(budgets).map(([name, { limit }]) => [name, limit]));
  assert.deepEqual(budgetProblems(full), []);
  assert.equal(budgetProblems({ ...full, first: budgets.first.limit + 1 }).length, 1);
  assert.equal(budgetProblems({ ...full, later: undefined }).length, 1);
});

test("a page's weight holds what its files name, and nothing else", () => {
  const dist = mkdtempSync(join(tmpdir(), "gpumem-"));
  mkdirSync(join(dist, "assets"));
  writeFileSync(join(dist, "index.html"), '<script src="./assets/a.js">');
  writeFileSync(join(dist, "assets/a.js"), 'import("./b.js")');
  writeFileSync(join(dist, "assets/b.js"), "");
  writeFileSync(join(dist, "assets/other.js"), "");
  assert.deepEqual(loadedBy(dist, "index.html"), ["index.html", "assets/a.js", "assets/b.js"]);
  rmSync(dist, { recursive: true });
});
