import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import { root } from "../../scripts/support/run.mjs";
import { gpumem } from "../support/cli.mjs";
import { loadEngine } from "../support/engine.mjs";

const pkg = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const library = await import(pathToFileURL(join(root, pkg.exports["."].default)));

const scenarios = [
  { model: { id: "Qwen/Qwen3-0.6B" }, task: "training", hardware: { gpu: "nvidia/rtx-4090" }, detail: "tensors" },
  { model: { parameters: 7e9 }, weights: "int4" },
  { model: { id: "no/such-model" }, colour: "rot und grün ✓" },
  { model_type: "llama", hidden_size: 4096 },
  null,
];

for (const scenario of scenarios) {
  test(`library and command line give the same bytes for ${JSON.stringify(scenario).slice(0, 60)}`, async () => {
    const { out } = await gpumem(["estimate", "-", "--json"], JSON.stringify(scenario));
    assert.equal(`${await library.estimateText(scenario)}\n`, out);
    assert.deepEqual(await library.estimate(scenario), JSON.parse(out));
  });
}

test("describe names the words that fields accept", async () => {
  const { fields, ...description } = await library.describe();
  assert.ok(fields.length > 100);
  assert.deepEqual(description, JSON.parse((await loadEngine()).describe()));
  for (const precision of description.precisions) {
    const { ok } = await library.estimate({ model: { parameters: 1e9 }, task: "training", training: { precision } });
    assert.ok(ok, precision);
  }
});

test("library and command line work alone in an empty folder, with nothing to fetch from", () => {
  const folder = mkdtempSync(join(tmpdir(), "gpumem-"));
  copyFileSync(join(root, pkg.bin.gpumem), join(folder, "gpumem.mjs"));
  copyFileSync(join(root, pkg.exports["."].default), join(folder, "library.mjs"));
  writeFileSync(join(folder, "offline.mjs"), 'globalThis.fetch = () => { throw new Error("fetched"); };');
  writeFileSync(join(folder, "caller.mjs"), 'import { estimateText } from "./library.mjs"; console.log(await estimateText({ model: { id: "openai-community/gpt2" } }));');
  const node = (...args) => {
    const input = '{"model": {"id": "openai-community/gpt2"}}';
    return execFileSync(process.execPath, ["--import", "./offline.mjs", ...args], { cwd: folder, encoding: "utf8", input });
  };
  const printed = node("gpumem.mjs", "estimate", "-", "--json");
  assert.equal(JSON.parse(printed).parameters.total, 124439808);
  assert.equal(node("caller.mjs"), printed);
  rmSync(folder, { recursive: true });
});

test("the types alone are enough for a caller who checks strictly", () => {
  const folder = mkdtempSync(join(tmpdir(), "gpumem-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/gpumem"));
  const good = `import { describe, estimate, type Estimate } from "gpumem";
    const answer: Estimate = await estimate({ model: { id: "x" }, task: "training", hardware: { memory: "24 GiB" } });
    if (answer.ok) console.log(answer.devices[0].processBytes.expected);
    else console.log(answer.issues[0].path);
    const { optimizers, fields } = await describe({ model: { id: "x" } });
    console.log(optimizers[0].name, fields[0].path, fields[0].least);`;
  const bad = `import { estimate } from "gpumem"; await estimate({ model: { id: 5 } });`;
  const checks = (text) => {
    writeFileSync(join(folder, "caller.mts"), text);
    const options = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom", "--types", "", "--noEmit"];
    return spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...options, "caller.mts"], { cwd: folder, encoding: "utf8" });
  };
  const passed = checks(good);
  assert.equal(passed.status, 0, passed.stdout);
  assert.match(checks(bad).stdout, /not assignable/);
  rmSync(folder, { recursive: true });
});

test("the package holds what its entries name, with an executable command", () => {
  const [{ files }] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: root, encoding: "utf8" }));
  const modes = Object.fromEntries(files.map(({ path, mode }) => [path, mode]));
  const entries = [pkg.bin.gpumem, pkg.exports["."].default, pkg.exports["."].types].map((path) => path.replace(/^\.\//, ""));
  for (const path of [...entries, "package.json", "README.md", "LICENSE"]) assert.ok(path in modes, `${path} is not packed`);
  assert.ok(modes[entries[0]] & 0o100, "the command is not executable");
  assert.deepEqual(Object.keys(modes).filter((path) => /^(core|web|wasm|tests|build|node_modules)\//.test(path)), []);
});
