// The documentation as it is built: dist/docs/.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import test from "node:test";
import { root } from "../../scripts/support/run.mjs";
import { rangeOf } from "../../scripts/site/fields.mjs";
import { htmlOf, slug } from "../../scripts/site/markdown.mjs";
import { commentsOf } from "../../scripts/site/mechanisms.mjs";

const folder = join(root, "dist/docs");
const pages = readdirSync(folder).filter((file) => file.endsWith(".html"));
const read = (file) => readFileSync(join(folder, file), "utf8");
const idsOf = (html) => [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);

/** Links of a page that lead to no file, or to no place within one. */
function broken(file, html) {
  return [...html.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, address]) => address).filter((address) => {
    if (/^(https?|data):/.test(address)) return false;
    const [path, place = ""] = address.split("#");
    const target = path === "" ? join(folder, file) : normalize(join(folder, path));
    const found = existsSync(target) && statSync(target).isDirectory() ? join(target, "index.html") : target;
    if (!existsSync(found)) return true;
    // What follows on the calculator's own address is a scenario.
    return place !== "" && dirname(found) === folder && !idsOf(readFileSync(found, "utf8")).includes(place);
  });
}

test("every link leads somewhere, and ids are single", () => {
  assert.ok(pages.length >= 15, `${pages.length} pages`);
  for (const file of pages) {
    const html = read(file);
    assert.deepEqual(broken(file, html), [], file);
    assert.equal(new Set(idsOf(html)).size, idsOf(html).length, file);
  }
});

test("found: links to no page and to no place", () => {
  assert.deepEqual(broken("index.html", '<a href="nowhere.html"><a href="index.html#nothing"><a href="index.html#text">'), ["nowhere.html", "index.html#nothing"]);
});

test("no page has scripts, styles of its own or anything from elsewhere, and its policy says so", () => {
  for (const file of pages) {
    const html = read(file);
    assert.match(html, /Content-Security-Policy" content="default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"/, file);
    assert.doesNotMatch(html, /<script|<style|<iframe|<object|<img|\son\w+=| style="/i, file);
  }
});

test("all of it is small", () => {
  const bytes = readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  assert.ok(bytes < 2_500_000, `${bytes} bytes`);
});

test("fields of every part of a scenario are listed", () => {
  const html = read("fields.html");
  for (const path of ["inference.contextTokens", "training.lora.rank", "parallel.tensor", "hardware.memory"]) assert.ok(html.includes(`<code>${path}</code>`), path);
});

test("texts cannot bring elements, addresses that run, or images", () => {
  const html = htmlOf('<script>x</script>\n\n[a](javascript:alert(1)) [b](x.md#y) <b onclick=x>c</b> ![d](http://e/f.png)\n\n| a |\n|--:|\n| <i> |\n');
  assert.doesNotMatch(html, /<script|javascript:|<b |<img|<i>/);
  assert.match(html, /href="x\.html#y"/);
  assert.match(html, /<td class="number">/);
});

test("headings have ids, the same heading another one", () => {
  assert.equal(slug("What is `it`, really?"), "what-is-it-really");
  assert.match(htmlOf("## A b\n\n## A b\n"), /id="a-b"[\s\S]*id="a-b-1"/);
});

test("comments are read with what they are written above", () => {
  const text = "// Norms.\n// Source: [x] y\n\n#include <a>\n/// One,\n/// two.\nValue norm(Machine& m) {\n  /// In a branch.\n  if (x) {\n";
  assert.deepEqual(commentsOf(text), { about: "Norms. Source: [x] y", rules: [{ subject: "norm", comment: "One, two." }] });
});

test("ranges of fields are words, bounds or units", () => {
  assert.equal(rangeOf({ words: ["a", "b"] }), "`a`, `b`");
  assert.equal(rangeOf({ least: 1, most: 8, unit: "tokens" }), "1 to 8 tokens");
  assert.equal(rangeOf({}), "");
});
