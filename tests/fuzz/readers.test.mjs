// A short, reproducible run of what npm run fuzz does for long: same seeds, same rolls.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { root } from "../../scripts/support/run.mjs";
import { keptOf, recorded } from "./fuzz.mjs";
import { fuzzingPage } from "./page.mjs";
import { changedBytes, changedText, diceOf } from "./readers/dice.mjs";
import { findingOf, play } from "./readers/play.mjs";
import { targets } from "./readers/targets.mjs";

for (const [name, target] of Object.entries(targets)) {
  test(`${name}: changed inputs are read, or refused with a sentence`, async (t) => {
    const kept = keptOf(name).map((input) => (Buffer.isBuffer(target.seeds[0]) ? input : input.toString()));
    const { executions, finding } = await play(target, { seed: 1, milliseconds: 800, most: 2000, kept });
    assert.equal(finding, undefined, `${finding?.what}\n${finding && JSON.stringify(String(finding.input))}`);
    assert.ok(executions >= target.seeds.length + kept.length);
    t.diagnostic(`${executions} executions`);
  });
}

test("found: what the language throws, and what is not as it should be; a sentence is no finding", async () => {
  const broken = { seeds: ["a"], run: (text) => text.length > 1 && null.x };
  assert.match(await findingOf(broken, "ab"), /TypeError/);
  assert.match((await play(broken, { seed: 1, milliseconds: 5000 })).finding.what, /TypeError/);
  assert.match(await findingOf({ run: () => assert.ok(false) }, ""), /AssertionError/);
  assert.equal(await findingOf({ run: () => { throw new Error("This is no model."); } }, ""), undefined);
});

test("the same seed makes the same inputs", () => {
  const texts = (seed) => { const roll = diceOf(seed); return Array.from({ length: 20 }, () => changedText("a: 1\nb: [2, 3]", roll, ["c"])); };
  assert.deepEqual(texts(5), texts(5));
  assert.notDeepEqual(texts(5), texts(6));
  const bytes = (seed) => changedBytes(Buffer.alloc(64), diceOf(seed)).toString("hex");
  assert.equal(bytes(7), bytes(7));
});

test("docs/fuzzing.md is what was recorded", () => {
  assert.equal(readFileSync(join(root, "docs/fuzzing.md"), "utf8"), fuzzingPage(recorded()));
});
