// npm run licences: docs/licences.md, the licence of each package that building takes, and build/sbom.cdx.json, the same for machines (CycloneDX).
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, main, root } from "./support/run.mjs";

/** Licences of what may be shipped, and those that may help to build it. */
export const allowed = { shipped: ["MIT", "ISC", "0BSD"], building: ["MIT", "ISC", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "MPL-2.0", "CC-BY-4.0"] };

/** Packages whose code stands in dist/: everything else only helps to build and test. */
export const shipped = ["commander", "preact", "yaml"];

/** [{name, version, licence, shipped}] by package-lock.json, whatever of it this machine has installed. */
export function packages() {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return Object.entries(lock.packages)
    .filter(([path]) => path !== "")
    .map(([path, { version, license, integrity }]) => ({ name: path.replace(/^.*node_modules\//, ""), version, licence: license ?? "", integrity }))
    .map((one) => ({ ...one, shipped: shipped.includes(one.name) }))
    .sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
}

export function licencesPage(all) {
  const line = ({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`;
  const table = (rows) => ["| package | version | licence |", "|---|---|---|", ...new Set(rows.map(line))];
  return [
    "# Licences",
    "",
    "Written by `npm run licences` from `package-lock.json`; do not edit. gpumem itself is under the MIT licence.",
    "",
    "## In what is shipped",
    "",
    ...table(all.filter((one) => one.shipped)),
    "",
    "The engine is C++ with the standard library alone; as WebAssembly it has parts of emscripten's (MIT, and LLVM's Apache-2.0 with exceptions) and musl (MIT).",
    "",
    "## To build and test",
    "",
    ...table(all.filter((one) => !one.shipped)),
    "",
  ].join("\n");
}

main(import.meta.url, () => {
  writeFileSync(join(root, "docs/licences.md"), licencesPage(packages()));
  const { status, stdout, stderr } = spawnSync("npm", ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0) throw new Failure(`npm sbom failed: ${stderr}`);
  mkdirSync(join(root, "build"), { recursive: true });
  writeFileSync(join(root, "build/sbom.cdx.json"), stdout);
  console.log(`docs/licences.md, build/sbom.cdx.json: ${JSON.parse(stdout).components.length} components`);
});
