// What the built files may weigh, in bytes; kB is 1000 bytes. A budget is raised only in a commit that says why.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";

const kB = 1000;

export const budgets = {
  // What the first answer needs: index.html, script with the answer that was prepared, and styles. As measured, rounded up to the next 2 kB.
  first: { limit: 38 * kB, what: "what the first answer needs, gzipped" },
  // The engine for what most visitors change first, and for links. That the allocator meets every layer took it above 80.
  small: { limit: 81 * kB, what: "the small engine that comes right after it, gzipped" },
  // What every visitor loads after that: the whole engine. State-space models, llama.cpp's compute buffers, the pools of vLLM and
  // its kin, diffusion pipelines, the replay of the allocator, what fits and what to change are more than half of it; headers of
  // safetensors are 3 kB, what describes the fields of a scenario 2 kB. Images, preferences, DeepSpeed, offloads and eleven more families
  // brought 30 kB; functions that are inlined for speed 10; fourteen families, five kinds of adapters, drafts, images and shared
  // experts under vLLM, video decoders in tiles and LitGPT 34; encoders of sound, nets of stages and training on images 11; nine
  // diffusion pipelines and the language models that read their prompts 15, layers with inputs of their own, quantised caches, engines of
  // one computer, adapters of stacked experts and split linears 22.
  engine: { limit: 404 * kB, what: "the whole engine that comes after it, gzipped" },
  // Then 476 models and 249 cards. Inventories of model types are not among it: they come when a model needs them, a kilobyte
  // or two each, after a list of them of 4 kB.
  later: { limit: 28 * kB, what: "the catalog that comes after it, gzipped" },
  // Everything that is opened, dropped or saved, all of it together; half of it is the reader of YAML. Sweeps, plans and the worker
  // that goes through them are 11 kB; examples, undo and what was used lately 3, measured errors 2, Ollama's commands 1.
  parts: { limit: 94 * kB, what: "the parts that come when they are opened, gzipped" },
  // What an element in somebody else's page loads beside the engine and the catalog: at once, and once it is shown.
  shell: { limit: 4 * kB, what: "what a page with the element loads at once, gzipped" },
  element: { limit: 32 * kB, what: "what the element shows, gzipped" },
  // Everything as it is: the engine and 800 inventories of model types (336 kB deflated) in base64, a third larger than they are.
  // Fields of every engine, logs, commands, the ladder and comparisons brought 50 kB, which only this page loads at once;
  // the engine's answers to what fits and what to change 35 kB; sharded and Megatron training and a dozen families 110 kB;
  // files, links and training configurations 170 kB, of which YAML is 100; what to put into other pages 4 kB; what the
  // engine has grown by as above 260; sweeps and plans 24, accuracy and what was used lately 10; sound, stages and training on images 34;
  // inventories of head classes 12; the answer that was prepared 13; pipelines, caches and layers as above 55, and their models.
  offline: { limit: 2320 * kB, what: "the offline page, as it is" },
};

// What the page's files name, and loads only when it is needed: inventories, and the styles of later parts, which bear their
// component's name, or none where several share them. Their scripts lie in a folder of their own.
const lazy = /^assets\/(architectures\.|style-|[A-Z])/;
const smallEngine = /^assets\/first-.*\.wasm$/;
const wholeEngine = /^assets\/estimator-/;
const afterwards = /^assets\/(models|gpus)\./;

/** {first, small, engine, later, parts, shell, element, offline} in bytes for a repository root that was built. */
export function measure(root) {
  const dist = join(root, "dist");
  const files = loadedBy(dist, "index.html").filter((file) => !lazy.test(file));
  const weight = (some) => sum(some.map((file) => gzipped(join(dist, file))));
  return {
    first: weight(files.filter((file) => ![afterwards, smallEngine, wholeEngine].some((later) => later.test(file)))),
    small: weight(files.filter((file) => smallEngine.test(file))),
    engine: weight(files.filter((file) => wholeEngine.test(file))),
    later: weight(files.filter((file) => afterwards.test(file))),
    ...elementSizes(dist),
    parts: weight(readdirSync(join(dist, "assets/later")).filter((file) => file.endsWith(".js")).map((file) => join("assets/later", file))),
    offline: statSync(join(dist, "offline/gpumem.html")).size,
  };
}

function elementSizes(dist) {
  const scripts = readdirSync(join(dist, "element")).filter((file) => file.endsWith(".js") && !file.startsWith("embed-"));
  const size = (some) => sum(some.map((file) => gzipped(join(dist, "element", file))));
  return { shell: size(scripts.filter((file) => !file.startsWith("show-"))), element: size(scripts.filter((file) => file.startsWith("show-"))) };
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
    .filter((file) => !file.endsWith(".map") && statSync(join(dist, file)).isFile());
  const loaded = [start];
  for (const file of loaded) {
    const text = readFileSync(join(dist, file), "utf8");
    loaded.push(...candidates.filter((other) => !loaded.includes(other) && text.includes(basename(other))));
  }
  return loaded;
}

const gzipped = (path) => gzipSync(readFileSync(path), { level: 9 }).length;
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
