// What the rules look at: files as {path, text}, paths relative to the repository's root.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/support/run.mjs";

const code = /\.(cpp|hpp|ts|tsx|mjs|js|css)$/;

/** Source files below the folders, in order; folders that are not there hold none. */
export function codeFiles(...folders) {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, file)))
    .filter((path) => code.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

/** Problems of the form "path:line: what", one for each line that the test finds wrong. */
export function problemsByLine({ path, text }, problemOf) {
  return text.split("\n").flatMap((line, i) => {
    const problem = problemOf(line);
    return problem ? [`${path}:${i + 1}: ${problem}`] : [];
  });
}

/** The text with C++ comments blanked, lines kept. */
export function withoutComments(text) {
  const blank = (part) => part.replace(/[^\n]/g, " ");
  return text.replace(/"(?:\\.|[^"\\\n])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (part) => (part[0] === '"' ? part : blank(part)));
}
