// What em++ needs from the environment.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

// Debian keeps acorn, which em++ loads, where only Debian's own node looks for it.
const debianModules = "/usr/share/nodejs";

/** Variables to add to the environment of emcmake and of every build that runs em++. */
export function emscriptenEnvironment() {
  if (!existsSync(join(debianModules, "acorn"))) return {};
  const paths = [process.env.NODE_PATH, debianModules].filter(Boolean);
  return { NODE_PATH: paths.join(delimiter) };
}
