import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { root } from "../../scripts/support/run.mjs";
import { gpumem } from "../support/cli.mjs";
import { loadEngine } from "../support/engine.mjs";

test("--version is the package's, and the engine's", async () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { status, out } = await gpumem(["--version"]);
  assert.deepEqual([status, out], [0, `${version}\n`]);
  assert.equal((await loadEngine()).version(), version);
});

test("--help names every command, and the exit status", async () => {
  const { status, out } = await gpumem(["--help"]);
  assert.equal(status, 0);
  for (const word of ["estimate", "fit", "advise", "sweep", "models", "gpus", "command", "from-command"]) assert.match(out, new RegExp(`^  ${word} `, "m"));
  assert.match((await gpumem(["estimate", "--help"])).out, /Exit status: 0 .* 1 .* 2 /);
});

test("a scenario becomes its engine's command, and the command the scenario again", async () => {
  const scenario = { model: { id: "Qwen/Qwen3-4B" }, task: "inference", engine: { name: "vllm" }, inference: { contextTokens: 8192 }, parallel: { tensor: 2 } };
  const { status, out, err } = await gpumem(["command", "-"], JSON.stringify(scenario));
  assert.deepEqual([status, err], [0, ""]);
  assert.equal(out, "vllm serve Qwen/Qwen3-4B --max-model-len 8192 --tensor-parallel-size 2\n");
  for (const [args, input] of [[["from-command", "--", ...out.trim().split(" ")]], [["from-command", "-"], out]]) {
    const back = await gpumem(args, input);
    assert.deepEqual([back.status, JSON.parse(back.out)], [0, scenario]);
  }
  assert.equal((await gpumem(["command", "-"], JSON.stringify({ ...scenario, engine: { name: "transformers" } }))).status, 2);
  assert.equal((await gpumem(["from-command", "rm", "-rf", "/"])).status, 2);
});

test("what cannot be understood is one sentence and exit status 2", async () => {
  const wrong = [["--nonsense"], ["estimate", "--nonsense"], ["estimate", "-", "--units", "stone"], ["estimate", "--json", "--jsonl"]];
  for (const args of [...wrong, ["guess"], ["estimate"], ["estimate", "a", "b"]]) {
    const { status, out, err } = await gpumem(args);
    assert.deepEqual([status, out], [2, ""], args.join(" "));
    assert.match(err, /^gpumem: [^\n]+[.?)]\n$/, args.join(" "));
  }
});

const { models, gpus } = readCatalog();
const lines = (text) => text.trimEnd().split("\n");

test("models lists every model of the catalog with its family", async () => {
  const { status, out } = await gpumem(["models"]);
  assert.equal(status, 0);
  const listed = lines(out).map((line) => line.split(/ +/).slice(0, 2));
  assert.deepEqual(listed, Object.entries(models).map(([id, { config }]) => [id, config.model_type ?? config._class_name]));
});

test("gpus lists every GPU of the catalog with its memory", async () => {
  const { out } = await gpumem(["gpus"]);
  assert.deepEqual(lines(out).map((line) => line.split(" ")[0]), Object.keys(gpus));
  for (const { memory } of Object.values(gpus)) assert.ok(out.includes(memory));
});

test("a search keeps the rows with all of its words, in any case", async () => {
  const ids = async (...words) => lines((await gpumem(["models", ...words])).out).map((line) => line.split(" ")[0]);
  assert.deepEqual(await ids("QWEN3-8b"), ["Qwen/Qwen3-8B", "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B"]);
  assert.deepEqual(await ids("gpt2", "xl"), ["openai-community/gpt2-xl"]);
  assert.deepEqual(await ids("gpt2 xl"), ["openai-community/gpt2-xl"]);
  const none = await gpumem(["gpus", "abacus"]);
  assert.deepEqual([none.status, none.out], [2, ""]);
  assert.match(none.err, /^gpumem: .*"abacus".*\.\n$/);
});

test("a training configuration on standard input becomes a scenario", async () => {
  const { status, out } = await gpumem(["from-command", "-"], "base_model: meta-llama/Llama-3.1-8B\nsequence_len: 2048\nmicro_batch_size: 4\nbf16: true\n");
  assert.equal(status, 0);
  assert.deepEqual(JSON.parse(out), { model: { id: "meta-llama/Llama-3.1-8B" }, task: "training", training: { sequenceTokens: 2048, microBatch: 4, method: "full", precision: "bf16-amp" }, weights: "bf16" });
});
