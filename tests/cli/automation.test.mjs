// The example of docs/automation.md, run as it stands there.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { root, which } from "../../scripts/support/run.mjs";
import { cliPath } from "../support/cli.mjs";

const page = readFileSync(join(root, "docs/automation.md"), "utf8");
const step = /run: \|\n((?: {10}.*\n)+)/.exec(page)[1];
const [, model] = /MODEL: (\S+)/.exec(page);
const [, gpu] = /GPU: (\S+)/.exec(page);

function run(t, config) {
  const folder = mkdtempSync(join(tmpdir(), "gpumem-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ["tools", "train"]) mkdirSync(join(folder, name));
  copyFileSync(cliPath, join(folder, "tools/gpumem.mjs"));
  writeFileSync(join(folder, "train/config.yaml"), config);
  const summary = join(folder, "summary.md");
  const env = { ...process.env, MODEL: model, GPU: gpu, GITHUB_STEP_SUMMARY: summary };
  // As GitHub starts a step with "shell: bash".
  const { status, stdout } = spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", step], { cwd: folder, env, encoding: "utf8" });
  return { status, stdout, summary: readFileSync(summary, "utf8") };
}

const skip = !which("bash") || !which("jq");

test("a configuration that fits passes, one that does not fails with what to change", { skip }, (t) => {
  const lora = "per_device_train_batch_size: 1\nbf16: true\ngradient_checkpointing: true\nmax_length: 1024\nr: 16\nlora_alpha: 16\ntarget_modules: all-linear\nload_in_4bit: true\n";
  const fitting = run(t, lora);
  assert.equal(fitting.status, 0, fitting.stdout);
  assert.match(fitting.summary, /fits/i);
  const larger = run(t, lora.replace("batch_size: 1", "batch_size: 64"));
  assert.equal(larger.status, 1);
  assert.ok(larger.stdout.length > larger.summary.length, "advice is only printed");
});
