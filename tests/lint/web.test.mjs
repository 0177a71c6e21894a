import assert from "node:assert/strict";
import test from "node:test";
import { codeFiles } from "./rules/files.mjs";
import { byteProblems, injectionProblems } from "./rules/web.mjs";

const files = codeFiles("web/src");

test("text never becomes markup or code", () => assert.deepEqual(injectionProblems(files), []));

test("the page computes no bytes", () => assert.deepEqual(byteProblems(files), []));

const inApp = (text) => [{ path: "web/src/app/a.ts", text }];

for (const text of ["node.innerHTML = x", "<p dangerouslySetInnerHTML={x} />", "eval(x)", "new Function(x)"]) {
  test(`found: ${text}`, () => assert.equal(injectionProblems(inApp(text)).length, 1));
}

for (const text of ["n / 1024", "n * 1e9", "1024 * n", "n / 2 ** 30", "n >> 0; 1 << 30", "n /= 1_000_000"]) {
  test(`found: ${text}`, () => assert.equal(byteProblems(inApp(text)).length, 1));
}

test("a pixel size and the formatter itself are no problem", () => {
  assert.deepEqual(byteProblems(inApp('matchMedia("(min-width: 1024px)"); const width = 1024; const n = 1e9;')), []);
  assert.deepEqual(byteProblems([{ path: "web/src/format/bytes.ts", text: "n / 1024" }]), []);
});
