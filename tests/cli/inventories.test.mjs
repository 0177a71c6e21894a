// Model types without a program: the command line and the library have their inventories inside.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { root } from "../../scripts/support/run.mjs";
import { fileOf, gpumem } from "../support/cli.mjs";
import { loadEngine } from "../support/engine.mjs";

const pkg = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const library = await import(pathToFileURL(join(root, pkg.exports["."].default)));
const engine = await loadEngine();
const llava = { model: { id: "llava-hf/llava-1.5-7b-hf" }, detail: "summary" };

test("a model without a program is counted, and the table says what is not", async (t) => {
  const { status, out } = await gpumem(["estimate", fileOf(t, llava)]);
  assert.equal(status, 0);
  assert.match(out, /7,063,427,072/);
  assert.match(out, /The weights are exact, tensor by tensor/);
});

test("a hybrid is answered under llama.cpp, whose files go by the tensors of its inventory", async () => {
  const scenario = { model: { id: "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16" }, weights: "Q4_K_M", engine: { name: "llama.cpp" }, detail: "summary" };
  assert.equal((await library.estimate(scenario)).ok, true);
});

test("the library answers every type as the engine does that is given its inventories", async () => {
  for (const type of Object.keys(readCatalog().architectures)) {
    const scenario = { model: { config: { model_type: type } }, detail: "summary" };
    assert.equal(await library.estimateText(scenario), engine.estimateScenario(scenario), type);
  }
});

test("lines before and after the first such model have the answers that they have alone", async () => {
  const scenarios = [{ model: { id: "Qwen/Qwen3-0.6B" } }, llava, { model: { config: { model_type: "abacus" } } }, { model: { id: "Qwen/Qwen3-0.6B" } }];
  const { out } = await gpumem(["estimate", "--jsonl"], scenarios.map((scenario) => JSON.stringify(scenario)).join("\n"));
  assert.deepEqual(out.trimEnd().split("\n"), scenarios.map((scenario) => engine.estimateScenario(scenario)));
});
