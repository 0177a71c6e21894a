// Runs commands for the scripts of this folder; every failure ends in one plain sentence.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** A failure whose message is all the reader needs: no stack trace is printed for it. */
export class Failure extends Error {}

/** Runs a command in the repository's root with its output shown. */
export function run(command, args, { env = {}, cwd = root } = {}) {
  const line = [command, ...args].join(" ");
  console.log(`> ${line}`);
  const result = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (result.error?.code === "ENOENT") throw new Failure(`${command} is not installed; npm run setup installs what is missing.`);
  if (result.error) throw new Failure(`${line} could not be started: ${result.error.message}`);
  if (result.signal) throw new Failure(`${line} was ended by ${result.signal}.`);
  if (result.status !== 0) throw new Failure(`${line} failed with exit status ${result.status}; its output is above.`);
}

/** True when the command runs and exits with 0; its output is not shown. */
export function succeeds(command, args, options = {}) {
  return spawnSync(command, args, { stdio: ["pipe", "ignore", "ignore"], ...options }).status === 0;
}

/** The path of a command, or undefined. */
export function which(command) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, command);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** Runs a script's main function when the script itself was started, not when it was imported. */
export function main(moduleUrl, action) {
  if (process.argv[1] !== fileURLToPath(moduleUrl)) return;
  Promise.resolve()
    .then(action)
    .catch((error) => {
      console.error(error instanceof Failure ? `\n${error.message}` : error);
      process.exitCode = 1;
    });
}
