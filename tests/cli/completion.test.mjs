// Completion as a shell asks for it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { which } from "../../scripts/support/run.mjs";
import { gpumem } from "../support/cli.mjs";

const commands = ["estimate", "fit", "advise", "sweep", "models", "gpus", "command", "from-command", "completion"];
const scripts = Object.fromEntries(await Promise.all(["bash", "zsh", "fish"].map(async (shell) => [shell, (await gpumem(["completion", shell])).out])));

/** What bash offers for these words, the last of them half typed. */
function offered(...words) {
  const asked = `COMP_WORDS=(gpumem ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _gpumem; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", `${scripts.bash}\n${asked}`], { encoding: "utf8" });
  assert.equal(stderr, "");
  return stdout.split("\n").filter(Boolean);
}

test("bash is offered commands, their options, and what an option accepts", { skip: !which("bash") }, () => {
  assert.deepEqual(offered(""), commands);
  assert.deepEqual(offered("es"), ["estimate"]);
  assert.deepEqual(offered("estimate", "--j"), ["--json", "--jsonl"]);
  assert.deepEqual(offered("estimate", "--units", ""), ["gb", "gib"]);
  assert.deepEqual(offered("sweep", "scenario.json", "--o"), ["--over"]);
  assert.deepEqual(offered("completion", ""), ["bash", "zsh", "fish"]);
  assert.deepEqual(offered("estimate", "sc"), [], "a file's name is left to bash");
});

test("every script has every command and parses where its shell is", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gpumem-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [shell, script] of Object.entries(scripts)) {
    for (const name of commands) assert.match(script, new RegExp(`(^|[ "'])${name}[ "':)]`, "m"), `${shell}: ${name}`);
    assert.match(script, /units/);
    const path = join(folder, shell);
    writeFileSync(path, script);
    if (!which(shell)) t.diagnostic(`${shell} is not here`);
    else assert.equal(spawnSync(shell, ["-n", path], { encoding: "utf8" }).stderr, "");
  }
});

test("another shell is refused with those that there are", async () => {
  const { status, err } = await gpumem(["completion", "tcsh"]);
  assert.equal(status, 2);
  assert.match(err, /bash, zsh, fish/);
});
