// Keeps the page's files, so that it opens without a network. A new release is fetched aside; it takes the place of the
// old one once no page uses that any more, or when a visitor asks for it.

interface Lasting extends Event {
  waitUntil: (work: Promise<unknown>) => void;
}
interface Asked extends Lasting {
  request: Request;
  respondWith: (answer: Promise<Response>) => void;
}
interface Told extends Lasting {
  data: unknown;
}
interface Worker {
  registration: { scope: string };
  skipWaiting: () => Promise<void>;
  addEventListener<Kind extends keyof Heard>(kind: Kind, heard: (event: Heard[Kind]) => void): void;
}
interface Heard {
  install: Lasting;
  activate: Lasting;
  fetch: Asked;
  message: Told;
}
declare const self: Worker;

/** Filled in by the build: paths below the page's own, "" being the page, and what changes with any of them. */
declare const builtFiles: string[];
declare const builtVersion: string;

const { scope } = self.registration;
// Several copies of the page may lie on one server, and share its caches.
const prefix = `gpumem ${scope} `;
const current = prefix + builtVersion;

async function keep(): Promise<void> {
  const cache = await caches.open(current);
  // Names of assets change with their content; of the others, what the browser still has may be old.
  await cache.addAll(builtFiles.map((file) => new Request(scope + file, { cache: file.startsWith("assets/") ? "default" : "reload" })));
}

async function dropOthers(): Promise<void> {
  const old = (await caches.keys()).filter((name) => name.startsWith(prefix) && name !== current);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** The file's path, where it is one that is kept. */
function pathOf({ method, url }: Request): string | undefined {
  if (method !== "GET" || !url.startsWith(scope)) return undefined;
  const path = url.slice(scope.length).replace(/[?#].*$/, "").replace(/^index\.html$/, "");
  return builtFiles.includes(path) || path.startsWith("assets/") ? path : undefined;
}

/** Inventories of model types are kept from when they are first asked for. */
async function answer(request: Request, path: string): Promise<Response> {
  const cache = await caches.open(current);
  const kept = await cache.match(scope + path);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) await cache.put(scope + path, response.clone());
  return response;
}

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(dropOthers()));
self.addEventListener("message", (event) => {
  if (event.data === "take-over") event.waitUntil(self.skipWaiting());
});
self.addEventListener("fetch", (event) => {
  const path = pathOf(event.request);
  if (path !== undefined) event.respondWith(answer(event.request, path));
});

export {};
