// The tools that building and testing need: how to see whether one is there, and the Debian package that brings it.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findChromium } from "./chromium.mjs";
import { succeeds, which } from "./run.mjs";

const includeFolders = ["/usr/include", "/usr/local/include", "/opt/homebrew/include"];

const command = (name, debian = name) => ({ name, debian, present: () => which(name) !== undefined });
const header = (path, debian) => ({
  name: `the C++ header ${path}`,
  debian,
  present: () => includeFolders.some((folder) => existsSync(join(folder, path))),
});

const toBuild = [command("cmake"), command("ninja", "ninja-build"), command("em++", "emscripten")];

const toTest = [
  command("g++"),
  command("clang++", "clang"),
  {
    name: "clang's sanitizer runtime",
    debian: () => `libclang-rt-${debianClangVersion()}-dev`,
    present: canSanitize,
  },
  header("catch2/catch.hpp", "catch2"),
  header("nlohmann/json.hpp", "nlohmann-json3-dev"),
  { name: "Chromium", debian: "chromium", present: () => findChromium() !== undefined },
];

/** Tools for a purpose ("build" or "test") that this machine lacks: [{name, debian}]. */
export function missingTools(purpose) {
  const wanted = purpose === "test" ? [...toBuild, ...toTest] : toBuild;
  return wanted
    .filter((tool) => !tool.present())
    .map(({ name, debian }) => ({ name, debian: typeof debian === "function" ? debian() : debian }));
}

function canSanitize() {
  if (!which("clang++")) return false;
  const args = ["-x", "c++", "-", "-fsanitize=address,undefined", "-o", "/dev/null"];
  return succeeds("clang++", args, { input: "int main() {}" });
}

/** The major version of the clang that the distribution's package `clang` stands for. */
function debianClangVersion() {
  const { stdout } = spawnSync("apt-cache", ["depends", "clang"], { encoding: "utf8" });
  return /Depends: clang-(\d+)/.exec(stdout ?? "")?.[1] ?? "14";
}
