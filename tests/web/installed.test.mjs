// The installed page: it opens without a network, and says when there is a newer release.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { chromium } from "playwright-core";
import { serve } from "../../scripts/serve.mjs";
import { chromiumArguments, findChromium } from "../../scripts/support/chromium.mjs";
import { root } from "../../scripts/support/run.mjs";

const dist = join(root, "dist");
// Below a folder, as a project's page lies on its host.
const site = mkdtempSync(join(tmpdir(), "gpumem-"));
const left = /^(cli|lib|offline|element|assets\/architectures-)/;
cpSync(dist, join(site, "gpumem"), { recursive: true, filter: (path) => !left.test(path.slice(dist.length + 1)) });
const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArguments });
test.after(async () => {
  await browser.close();
  rmSync(site, { recursive: true });
});

async function visit(server, context) {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const errors = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(`http://127.0.0.1:${server.address().port}/gpumem/`);
  await page.locator(".verdict strong").first().waitFor();
  return { page, errors };
}
const controlled = (page) => page.evaluate(() => navigator.serviceWorker.ready.then(() => Boolean(navigator.serviceWorker.controller)));
const stop = (server) => new Promise((done) => {
  server.closeAllConnections();
  server.close(done);
});

test("after one visit the page and its parts open without a network, and a newer release is announced and not forced", async () => {
  let server = await serve(site, 0);
  const { port } = server.address();
  const context = await browser.newContext();
  const first = await visit(server, context);
  assert.equal(await controlled(first.page), false, "the first visit is the page as it came");
  await first.page.close();
  await stop(server);

  const offline = await visit({ address: () => ({ port }) }, context);
  await offline.page.locator("#model-search").fill("Qwen/Qwen3-8B");
  await offline.page.locator(".verdict [role=status]", { hasText: "GiB" }).waitFor();
  await offline.page.locator(".folded > summary", { hasText: "Command" }).click();
  await offline.page.locator(".command").waitFor();
  assert.equal(await offline.page.locator("#model-search-note").textContent(), "8.19 billion parameters");
  assert.deepEqual(offline.errors, []);
  await offline.page.close();

  const worker = join(site, "gpumem/sw.js");
  writeFileSync(worker, readFileSync(worker, "utf8").replace(/[0-9a-f]{16}/, "0123456789abcdef"));
  const index = join(site, "gpumem/index.html");
  writeFileSync(index, readFileSync(index, "utf8").replace("<title>", "<title>Newer "));
  server = await serve(site, port);
  const { page } = await visit(server, context);
  await page.getByText("A newer release of this page is ready.").waitFor();
  assert.doesNotMatch(await page.title(), /Newer/);
  await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Load it" }).click()]);
  assert.match(await page.title(), /^Newer/);
  assert.equal((await page.evaluate(() => caches.keys())).length, 1, "the old release is gone");
  await context.close();
  await stop(server);
});

test("the manifest names files that are there, in sizes that a browser wants", () => {
  const manifest = JSON.parse(readFileSync(join(dist, "manifest.webmanifest"), "utf8"));
  for (const { src, sizes, type } of manifest.icons) {
    const bytes = readFileSync(join(dist, src));
    if (type === "image/png") assert.equal(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`, sizes, src);
  }
  assert.match(readFileSync(join(dist, "index.html"), "utf8"), /rel="manifest" href="\.\/manifest\.webmanifest"/);
  assert.doesNotMatch(readFileSync(join(dist, "offline/gpumem.html"), "utf8"), /rel="manifest"|sw\.js/);
});
