// The built command line, started as a user starts it.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure, root } from "../../scripts/support/run.mjs";

export const cliPath = join(root, "dist/cli/gpumem.mjs");
if (!existsSync(cliPath)) throw new Failure(`${cliPath} is not built yet; npm run build comes first.`);

/** Resolves to {status, out, err}. `input` is standard input: text, bytes or nothing. */
export function gpumem(args, input = "") {
  const child = start(args);
  child.stdin.on("error", () => {}); // the command may end before it has read everything
  child.stdin.end(input);
  return ended(child);
}

/** The running command, for tests that talk to it. */
export const start = (args) => spawn(process.execPath, [cliPath, ...args], { stdio: "pipe" });

export function ended(child) {
  const [out, err] = [child.stdout, child.stderr].map((stream) => {
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    return chunks;
  });
  const text = (chunks) => Buffer.concat(chunks).toString("utf8");
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, out: text(out), err: text(err) }));
  });
}

/** A file with this content in a folder that goes when the test ends. */
export function fileOf(t, content) {
  const folder = mkdtempSync(join(tmpdir(), "gpumem-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "scenario.json");
  writeFileSync(path, typeof content === "string" || Buffer.isBuffer(content) ? content : JSON.stringify(content));
  return path;
}
