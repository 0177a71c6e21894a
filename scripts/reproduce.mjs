// npm run reproduce [-- --web]: two builds from clean copies of the tree in different places, which have to be the same to the byte.
// With --web the engine is taken as it was built, and only what stands around it is built twice.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Failure, main, root } from "./support/run.mjs";

/** {path: hash} of every file below a folder. */
export function hashes(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((file) => statSync(join(folder, file)).isFile()).sort();
  return Object.fromEntries(files.map((file) => [file, createHash("sha256").update(readFileSync(join(folder, file))).digest("hex")]));
}

/** Paths that only one has, or whose bytes differ. */
export const differences = (one, other) => [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((file) => one[file] !== other[file]).sort();

function builtIn(folder, web) {
  const tracked = spawnSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" }).stdout.split("\0").filter(Boolean);
  for (const file of tracked) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  if (web) cpSync(join(root, "build/wasm"), join(folder, "build/wasm"), { recursive: true, filter: (path) => !/CMakeFiles|\.(a|o)$/.test(path) });
  const build = `const { build } = await import('./scripts/build.mjs'); await build({ web: ${web} });`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", build], { cwd: folder, encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new Failure(`The build in ${folder} failed:\n${stderr.slice(-3000)}`);
  return hashes(join(folder, "dist"));
}

main(import.meta.url, () => {
  const web = process.argv.includes("--web");
  const folders = ["a", "another-place"].map((name) => join(mkdtempSync(join(tmpdir(), "gpumem-")), name));
  try {
    const [one, other] = folders.map((folder) => builtIn(folder, web));
    const different = differences(one, other);
    if (different.length > 0) throw new Failure(`Two builds differ in:\n${different.join("\n")}`);
    console.log(`${Object.keys(one).length} files, the same in both builds${web ? " (around one engine)" : ""}`);
  } finally {
    for (const folder of folders) rmSync(dirname(folder), { recursive: true, force: true });
  }
});
