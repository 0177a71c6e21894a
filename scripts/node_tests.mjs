// Runs the tests written for node: all *.test.mjs below the named folders of tests/.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Failure, main, root } from "./support/run.mjs";

/** Returns the runner's exit status. */
export function nodeTests(folders) {
  const files = folders.flatMap(testsIn);
  if (files.length === 0) throw new Failure(`No tests found in tests/{${folders.join(",")}}.`);
  // Node leaves one core unused unless told; on two cores that is half of them.
  const args = ["--test", `--test-concurrency=${availableParallelism()}`, "--test-reporter=spec", ...files];
  return spawnSync(process.execPath, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] }).status ?? 1;
}

function testsIn(folder) {
  const path = join("tests", folder);
  if (!existsSync(join(root, path))) return [];
  return readdirSync(join(root, path), { recursive: true })
    .filter((file) => file.endsWith(".test.mjs"))
    .map((file) => join(path, file))
    .sort();
}

main(import.meta.url, () => {
  process.exitCode = nodeTests(process.argv.slice(2));
});
