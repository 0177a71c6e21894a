// The native core, as the golden tests call it: one process for many requests.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Failure, root } from "../../scripts/support/run.mjs";

/** Presets of CMake whose program is built. The one as it ships is needed; the one with sanitizers runs where it is there. */
export function nativeBuilds() {
  const built = ["gcc", "clang"].filter((preset) => existsSync(program(preset)));
  if (!built.includes("gcc")) throw new Failure("build/gcc is not built yet: cmake --preset gcc && cmake --build build/gcc");
  return built;
}

/** The estimates of [{scenario, facts}], as JSON text. */
export function nativeEstimates(preset, requests) {
  const input = requests.map((request) => `${JSON.stringify(request)}\n`).join("");
  const { status, signal, stdout, stderr } = spawnSync(program(preset), [], { input, encoding: "utf8", maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Failure(`The native core of build/${preset} ended with ${signal ?? status}: ${stderr.slice(0, 2000)}`);
  return stdout.split("\n").slice(0, -1);
}

const program = (preset) => join(root, "build", preset, "tests/core/estimate_lines");
