// A static server for one folder, on this machine only.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, sep } from "node:path";
import { Failure } from "./support/run.mjs";

const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".wasm": "application/wasm",
};

/** Resolves to the server once it listens; port 0 takes a free one. */
export function serve(folder, port) {
  const server = createServer((request, response) => answer(folder, request, response));
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(explain(error, port)));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

/** The file that a request's path names inside the folder, or undefined. */
export function fileFor(folder, url) {
  let path;
  try {
    path = decodeURIComponent(url.split(/[?#]/)[0]);
  } catch {
    return undefined;
  }
  // Joining keeps ".." only where it leaves the folder, and then the prefix no longer matches.
  const file = join(folder, path.replaceAll("\\", "/"));
  if (path.includes("\0") || !(file + sep).startsWith(join(folder, sep))) return undefined;
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isDirectory()) return fileFor(folder, `${path.replace(/\/+$/, "")}/index.html`);
  return found?.isFile() ? file : undefined;
}

function answer(folder, request, response) {
  if (request.method !== "GET" && request.method !== "HEAD") return end(response, 405, "Only GET and HEAD.");
  const file = fileFor(folder, request.url);
  if (!file) return end(response, 404, "Not found.");
  response.writeHead(200, {
    "content-type": types[extname(file)] ?? "application/octet-stream",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
  });
  if (request.method === "HEAD") return response.end();
  createReadStream(file).on("error", () => response.destroy()).pipe(response);
}

function end(response, status, text) {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${text}\n`);
}

function explain(error, port) {
  if (error.code === "EADDRINUSE") return new Failure(`Port ${port} is taken. Use another one: PORT=${port + 1} npm start`);
  if (error.code === "EACCES") return new Failure(`Port ${port} may not be used by this user. Use another one: PORT=8080 npm start`);
  return error;
}
