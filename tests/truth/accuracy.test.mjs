import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { loadEngine } from "../support/engine.mjs";
import { readCases, runCases, summarise } from "./measure.mjs";

const limits = JSON.parse(readFileSync(new URL("limits.json", import.meta.url), "utf8"));
const rows = summarise(runCases(readCases(), await loadEngine()));

for (const [key, limit] of Object.entries(limits)) {
  test(`${key}: median within ${limit.median}, 95th percentile within ${limit.p95}, at least ${limit.answered} answered`, () => {
    const row = rows.find(({ group, quantity }) => key === `${group} ${quantity}`);
    assert.ok(row, "no case measures this");
    assert.ok(row.answered >= limit.answered, `${row.answered} of ${row.cases} answered`);
    assert.ok(row.median <= limit.median, `median ${row.median}`);
    assert.ok(row.p95 <= limit.p95, `95th percentile ${row.p95}, worst ${row.worst} at ${row.worstId}`);
  });
}

test("an answer that is off, and none at all, are seen", () => {
  const scenario = { model: { parameters: 1000 } };
  const engine = { estimateScenario: () => JSON.stringify({ ok: true, devices: [{ components: [] }], parameters: { total: 990 } }) };
  const refusing = { estimateScenario: () => JSON.stringify({ ok: false, issues: [{ path: "", code: "x", message: "y" }] }) };
  const one = [{ id: "a", group: "g", scenario, expect: { "parameters.total": 1000 } }];
  assert.equal(summarise(runCases(one, engine))[0].worst, 0.01);
  assert.equal(summarise(runCases(one, refusing))[0].answered, 0);
});
