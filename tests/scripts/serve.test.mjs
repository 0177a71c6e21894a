import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileFor, serve } from "../../scripts/serve.mjs";

const home = mkdtempSync(join(tmpdir(), "gpumem-serve-"));
const dist = join(home, "dist");
mkdirSync(join(dist, "offline"), { recursive: true });
mkdirSync(join(home, "dist-beside"));
for (const file of ["dist/index.html", "dist/offline/index.html", "dist-beside/a", "secret"]) writeFileSync(join(home, file), file);
test.after(() => rmSync(home, { recursive: true }));

test("a folder answers with its index, and a query changes nothing", () => {
  assert.equal(fileFor(dist, "/?a=1"), join(dist, "index.html"));
  assert.equal(fileFor(dist, "/offline"), join(dist, "offline/index.html"));
  assert.equal(fileFor(dist, "/nothing"), undefined);
});

for (const path of ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/..%5csecret", "/../dist-beside/a", "/%00", "/%", "//etc/passwd"]) {
  test(`${path} leads nowhere`, () => assert.equal(fileFor(dist, path), undefined));
}

test("pages carry their type, writing is refused, and a taken port is named with a way out", async () => {
  const server = await serve(dist, 0);
  const { port } = server.address();
  const page = await fetch(`http://localhost:${port}/`);
  assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(await page.text(), "dist/index.html");
  assert.equal((await fetch(`http://localhost:${port}/`, { method: "POST" })).status, 405);
  await assert.rejects(serve(dist, port), new RegExp(`Port ${port} is taken.*PORT=`));
  server.closeAllConnections();
  server.close();
});
