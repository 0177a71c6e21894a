// Installs what is missing: the packages of package-lock.json, and the tools of support/tools.mjs where apt can.
// Uses only what node brings, since node_modules may be absent.
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, main, root, run, which } from "./support/run.mjs";
import { missingTools } from "./support/tools.mjs";

/** `purpose`: "build" needs what makes the page, "test" everything. */
export function setup(purpose) {
  installTools(purpose);
  installPackages();
}

function installPackages() {
  // A link leads to packages that another working tree keeps.
  if (lstatSync(join(root, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const lock = createHash("sha256").update(readFileSync(join(root, "package-lock.json"))).digest("hex");
  // Says which lock file node_modules was made from.
  const stamp = join(root, "node_modules/.gpumem-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund"]);
  writeFileSync(stamp, lock);
}

function installTools(purpose) {
  const missing = missingTools(purpose);
  if (missing.length === 0) return;
  const names = missing.map((tool) => tool.name).join(", ");
  const packages = missing.map((tool) => tool.debian);
  const byHand = `Missing: ${names}.\nOn Debian or Ubuntu: apt-get install ${packages.join(" ")}\nElsewhere: install these tools by hand, then start again.`;
  if (!which("apt-get")) throw new Failure(byHand);

  console.log(`Missing: ${names}. Installing ${packages.join(" ")} with apt-get.`);
  try {
    aptGet(["update"]);
    aptGet(["install", "--yes", "--no-install-recommends", ...packages]);
  } catch (error) {
    if (error instanceof Failure) throw new Failure(`${error.message}\n${byHand}`);
    throw error;
  }
  const still = missingTools(purpose);
  if (still.length > 0) throw new Failure(`Installed, but still missing: ${still.map((tool) => tool.name).join(", ")}.`);
}

function aptGet(args) {
  const quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "Dpkg::Use-Pty=0", ...args];
  if (process.getuid?.() === 0) return run(quiet[0], quiet.slice(1));
  if (!which("sudo")) throw new Failure("Installing needs root, and sudo is not there.");
  // Where nobody can type a password, fail at once instead of waiting for one.
  const ask = process.stdin.isTTY ? [] : ["--non-interactive"];
  run("sudo", [...ask, ...quiet]);
}

main(import.meta.url, () => setup("test"));
