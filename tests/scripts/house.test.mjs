// What the project is made of, and the tools that watch over it.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { allowed, licencesPage, packages, shipped } from "../../scripts/licences.mjs";
import { differences } from "../../scripts/reproduce.mjs";
import { root } from "../../scripts/support/run.mjs";
import { heapOver, heapProblem } from "../bench/heap.mjs";
import { withMutants } from "../mutation/mutants.mjs";

const read = (path) => readFileSync(join(root, path), "utf8");

test("every package has a licence that may be used; docs/licences.md lists them, npm run licences writes it", () => {
  const all = packages();
  const wrong = all.filter((one) => !allowed[one.shipped ? "shipped" : "building"].includes(one.licence));
  assert.deepEqual(wrong.map(({ name, licence }) => `${name}: ${licence}`), []);
  assert.equal(read("docs/licences.md"), licencesPage(all));
});

test("what is shipped takes no other packages than are said", () => {
  const files = readdirSync(join(root, "web/src"), { recursive: true }).filter((file) => /\.tsx?$/.test(file)).map((file) => join("web/src", file));
  const taken = files.flatMap((file) => [...read(file).matchAll(/from "((?:@[\w-]+\/)?[a-z][\w-]*)[^":]*"/g)].map(([, name]) => name)).filter((name) => name !== "node");
  assert.deepEqual([...new Set(taken)].sort(), shipped);
});

test("dependencies are pinned: exact versions, and a hash of each package", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json"));
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  assert.deepEqual(packages().filter(({ integrity }) => !/^sha512-/.test(integrity ?? "")).map(({ name }) => name), []);
});

test("two builds are compared file by file", () => {
  assert.deepEqual(differences({ a: "1", b: "2" }, { a: "1", b: "3", c: "4" }), ["b", "c"]);
  assert.deepEqual(differences({ a: "1" }, { a: "1" }), []);
});

test("the engine's memory does not grow, and a growth would be found", async () => {
  const result = await heapOver(1500);
  assert.equal(heapProblem(result), undefined);
  assert.match(heapProblem({ warm: 1, after: 2 }), /grew/);
  assert.match(heapProblem({ warm: 2 ** 26, after: 2 ** 26 }), /is the most/);
});

test("a mutant stands for each thing that an operation saves and for each format that it makes", () => {
  const source = ["Value out = allocate(from->shape, from->format, \"norm\");", "if (w) save(node, w);", "save(node, allocate(from->shape.with_last(1), fp32, \"1/root\"));"].join("\n");
  const { text, mutants } = withMutants(source, 7);
  assert.deepEqual(mutants.map(({ number, line }) => [number, line]), [[7, 1], [8, 2], [9, 3], [10, 3]]);
  assert.match(text, /allocate\(from->shape, mutated\(7, from->format\), "norm"\);/);
  assert.match(text, /if \(w\) if \(!mutant\(8\)\) save\(node, w\);/);
  assert.match(text, /if \(!mutant\(10\)\) save\(node, allocate\(from->shape\.with_last\(1\), mutated\(9, fp32\), "1\/root"\)\);/);
});
