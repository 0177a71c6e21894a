// A page of somebody else, with the built calculator in a folder of its server, under a strict policy.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { chromium } from "playwright-core";
import { fileFor } from "../../../scripts/serve.mjs";
import { chromiumArguments, findChromium } from "../../../scripts/support/chromium.mjs";
import { root } from "../../../scripts/support/run.mjs";

const dist = join(root, "dist");
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".wasm": "application/wasm" };
export const folder = "/tools/gpumem/";
export const strict = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; frame-src 'self'";

/** {open(path), pages, missing, address, close()}: `pages` are texts by path, `missing` a pattern of files that are not there. */
export async function startHost(pages) {
  const host = { pages, missing: undefined };
  const server = createServer((request, response) => {
    const path = request.url.split(/[?#]/)[0];
    const page = host.pages[path];
    if (page !== undefined) return response.writeHead(200, { "content-type": path.endsWith(".js") ? types[".js"] : "text/html; charset=utf-8", "content-security-policy": strict }).end(page);
    const file = path.startsWith(folder) && !host.missing?.test(path) && fileFor(dist, path.slice(folder.length - 1));
    if (!file) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" }).end(readFileSync(file));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const browser = await chromium.launch({ executablePath: findChromium(), args: [...chromiumArguments, "--js-flags=--expose-gc"] });
  const address = `http://127.0.0.1:${server.address().port}`;
  host.open = async (path) => {
    const page = await browser.newPage();
    page.setDefaultTimeout(10_000);
    const seen = { requests: [], errors: [] };
    page.on("request", (request) => seen.requests.push(new URL(request.url()).pathname));
    page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
    page.on("pageerror", (error) => seen.errors.push(error.message));
    await page.goto(address + path);
    return { page, seen };
  };
  host.close = async () => {
    await browser.close();
    server.closeAllConnections();
    server.close();
  };
  return host;
}
