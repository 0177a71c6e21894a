// The measuring tools: a tiny run on fake tensors against the answer, and cases from logs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { parse } from "yaml";
import { root } from "../../scripts/support/run.mjs";
import { caseOf } from "../../tools/measure/from_log.mjs";
import { loadEngine } from "../support/engine.mjs";
import { importTypeScript } from "../support/typescript.mjs";
import { runCases } from "../truth/measure.mjs";

// GPUMEM_PYTHON names one that has the packages, where python3 has not.
const python = process.env.GPUMEM_PYTHON ?? "python3";
const there = spawnSync(python, ["-c", "import torch, transformers, peft"], { stdio: "ignore" }).status === 0;
const skip = there ? false : `${python} has no torch, transformers and peft`;

const config = { architectures: ["LlamaForCausalLM"], model_type: "llama", hidden_size: 256, intermediate_size: 688, num_hidden_layers: 3, num_attention_heads: 8, num_key_value_heads: 4, vocab_size: 2048, max_position_embeddings: 1024, tie_word_embeddings: false };
const training = { precision: "bf16", optimizer: "adamw", optimizerStep: "foreach", microBatch: 2, sequenceTokens: 512, attention: "eager" };
const scenarios = {
  "full training": { model: { config }, task: "training", training: { ...training, optimizerStep: "loop" } },
  "LoRA with checkpoints": { model: { config }, task: "training", training: { ...training, method: "lora", lora: { rank: 8, targets: ["q_proj", "v_proj"], format: "fp32" }, checkpointing: "full" } },
  inference: { model: { config }, task: "inference", weights: "bf16", inference: { sequences: 2, promptTokens: 512, contextTokens: 513, attention: "eager" } },
};

function measured(scenario) {
  const folder = mkdtempSync(join(tmpdir(), "gpumem-"));
  const file = join(folder, "scenario.json");
  writeFileSync(file, JSON.stringify(scenario));
  const { status, stdout, stderr } = spawnSync(python, [join(root, "tools/measure/measure.py"), file, "--device", "cpu-fake"], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  return { status, stderr, line: stdout };
}

for (const [name, scenario] of Object.entries(scenarios))
  test(`${name} on fake tensors is what is answered, to a thousandth`, { skip }, async () => {
    const { status, stderr, line } = measured(scenario);
    assert.equal(status, 0, stderr);
    const [{ refused, errors }] = runCases([JSON.parse(line)], await loadEngine());
    assert.equal(refused, undefined);
    assert.ok(errors.length >= 6);
    // The processor's allocator rounds nothing: small tensors (an optimizer's counters) are 512 bytes here and 4 there.
    for (const { quantity, error, got, expected } of errors) assert.ok(error < 0.001, `${quantity}: ${got} and ${expected}`);
  });

test("what the script does not know is refused", { skip }, () => {
  const { status, stderr } = measured({ model: { config }, task: "training", training: { ...training, optimizer: "muon" } });
  assert.notEqual(status, 0);
  assert.match(stderr, /optimizer "muon" is not measured here/);
});

test("a log becomes a case of the first GPU's figures", async () => {
  const { readLog } = await importTypeScript("web/src/logs/compare.ts");
  const log = readLog("INFO Model loading took 14.9889 GiB and 3.2 seconds\nINFO GPU KV cache size: 158,656 tokens\n");
  const made = caseOf({ model: { id: "x" } }, log, "mine");
  assert.deepEqual(made.expect, { weights: Math.round(14.9889 * 2 ** 30), "kvCache.tokensThatFit": 158656 });
  assert.match(made.source, /^a log of vllm: INFO Model loading took/);
});

test("the form asks for what a case needs", () => {
  const form = parse(readFileSync(join(root, ".github/ISSUE_TEMPLATE/measured-run.yml"), "utf8"));
  const ids = form.body.map(({ id }) => id);
  assert.deepEqual(ids, ["case", "gpu", "alone", "log"]);
  for (const key of ["id", "group", "scenario", "expect", "source", "note"]) assert.ok(form.body[0].attributes.placeholder.includes(`"${key}"`), key);
});
