// What the built files may weigh, in bytes; kB is 1000 bytes. A budget is raised only in a commit that says why.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";

const kB = 1000;

export const budgets = {
  // The catalog grew from 70 to 465 models (25 kB packed), the engine is below. 120 is what it should be, and 7 kB of it are
  // the binding's: read_js and emscripten's glue weigh 11 kB, a request that crosses as bytes would need 1.
  page: { limit: 128 * kB, what: "the page with everything it loads, gzipped" },
  // From 12 to 33 families, fine-tuning with adapters, chunked cross entropy, two more optimizers; the glue counts unminified.
  engine: { limit: 90 * kB, what: "the engine, gzipped" },
  // The same, with the engine in base64, a third larger than it is.
  offline: { limit: 520 * kB, what: "the offline page, as it is" },
};

/** {page, engine, offline} in bytes for a repository root that was built. */
export function measure(root) {
  const dist = join(root, "dist");
  return {
    page: sum(loadedBy(dist, "index.html").map((file) => gzipped(join(dist, file)))),
    engine: sum(["mjs", "wasm"].map((part) => gzipped(join(root, `build/wasm/estimator.${part}`)))),
    offline: statSync(join(dist, "offline/gpumem.html")).size,
  };
}

export function budgetProblems(sizes) {
  return Object.entries(budgets).flatMap(([name, { limit, what }]) => {
    const size = sizes[name];
    if (!(size > 0)) return [`${name}: nothing was measured`];
    return size <= limit ? [] : [`${name}: ${what} has ${size} bytes, and the budget is ${limit}`];
  });
}

/** Files of the page: those whose name stands in a file that is already one, starting with the page itself. */
export function loadedBy(dist, start) {
  const candidates = ["assets", "catalog"]
    .filter((folder) => existsSync(join(dist, folder)))
    .flatMap((folder) => readdirSync(join(dist, folder)).map((file) => join(folder, file)))
    .filter((file) => !file.endsWith(".map"));
  const loaded = [start];
  for (const file of loaded) {
    const text = readFileSync(join(dist, file), "utf8");
    loaded.push(...candidates.filter((other) => !loaded.includes(other) && text.includes(basename(other))));
  }
  return loaded;
}

const gzipped = (path) => gzipSync(readFileSync(path), { level: 9 }).length;
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
