// Runs every test, from set-up to the browser, and stops at the first stage that fails.
// Node's tests come last, so that the runner's summary closes the output.
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { build } from "./build.mjs";
import { nodeTests } from "./node_tests.mjs";
import { setup } from "./setup.mjs";
import { main, root, run } from "./support/run.mjs";

// gcc is built as it ships, clang with the address and undefined-behaviour sanitizers.
const nativePresets = ["gcc", "clang"];

main(import.meta.url, async () => {
  setup("test");
  for (const preset of nativePresets) {
    run("cmake", ["--preset", preset]);
    run("cmake", ["--build", `build/${preset}`]);
    run("ctest", ["--preset", preset, "--parallel", String(availableParallelism())]);
  }
  await build();
  if (existsSync(join(root, "tsconfig.json"))) run("node", ["node_modules/typescript/bin/tsc", "--noEmit"]);
  process.exitCode = nodeTests(["lint", "scripts", "catalog", "golden", "truth", "fuzz", "cli", "web"]);
});
