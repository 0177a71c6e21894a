// What the core answers: the figures that were worked out by hand, and the same bytes from native code and WebAssembly.
import assert from "node:assert/strict";
import test from "node:test";
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { loadEngine } from "../support/engine.mjs";
import { factsOf } from "../support/facts.mjs";
import { found, goldenCases } from "../support/golden.mjs";
import { nativeBuilds, nativeEstimates } from "../support/native.mjs";
import { grid } from "./grid.mjs";

const engine = await loadEngine();
const cases = goldenCases();
const answerTo = (scenario) => engine.estimate(scenario, factsOf(scenario));

for (const { file, id, scenario, expect = {} } of cases) {
  test(`${file}: ${id}`, () => {
    const answer = JSON.parse(answerTo(scenario));
    const refused = "issues" in expect || expect.ok === false;
    assert.equal(answer.ok, !refused, JSON.stringify(answer.issues));
    for (const [path, value] of Object.entries(expect)) assert.deepEqual(found(answer, path), value, path);
  });
}

test("every case has its own name", () => {
  const names = cases.map(({ file, id }) => `${file}: ${id}`);
  assert.equal(new Set(names).size, names.length);
});

// Answers that rest on less than the family's own program.
const assumed = new Set(["unlisted-architecture", "activations-unknown"]);

test("every family of the catalog that has a program has a case", () => {
  const { models } = readCatalog();
  const covered = new Set(cases.map(({ scenario }) => (factsOf(scenario).config ?? scenario?.model?.config)?.model_type));
  for (const [id, { config }] of Object.entries(models)) {
    const answer = JSON.parse(answerTo({ model: { id }, detail: "summary" }));
    const counted = answer.ok && !answer.assumptions.some((one) => assumed.has(one.id));
    assert.ok(!counted || covered.has(config.model_type), `${config.model_type}, for instance ${id}`);
  }
});

const scenarios = [...cases.map(({ scenario }) => scenario), ...grid()];
const answers = scenarios.map(answerTo);

for (const preset of nativeBuilds()) {
  // The build with sanitizers takes minutes for all: every case, and a tenth of the grid.
  const asked = [...scenarios.entries()].filter(([i]) => preset === "gcc" || i < cases.length || i % 10 === 0);
  test(`WebAssembly and build/${preset} give the same bytes for ${asked.length} scenarios`, () => {
    const native = nativeEstimates(preset, asked.map(([, scenario]) => ({ scenario, facts: factsOf(scenario) })));
    assert.equal(native.length, asked.length);
    for (const [n, [i, scenario]] of asked.entries()) assert.equal(answers[i], native[n], JSON.stringify(scenario));
  });
}

const accepted = answers.map((text) => JSON.parse(text)).filter(({ ok }) => ok);

test("the components of every device add up to what is allocated", () => {
  for (const { scenario, devices } of accepted)
    for (const { components, allocatedBytes } of devices)
      assert.equal(components.reduce((sum, { bytes }) => sum + bytes, 0), allocatedBytes, JSON.stringify(scenario));
});

test("every size is a whole number that a double holds exactly, and only headroom is negative", () => {
  const visit = (value, key, scenario) => {
    if (typeof value === "number" && /bytes$|^low$|^expected$|^high$/i.test(key))
      assert.ok(Number.isSafeInteger(value) && (value >= 0 || key === "headroomBytes"), `${key}: ${value} for ${JSON.stringify(scenario)}`);
    else if (typeof value === "object" && value !== null)
      for (const [name, member] of Object.entries(value)) if (!["scenario", "throughput"].includes(name)) visit(member, name, scenario);
  };
  for (const answer of accepted) visit(answer, "", answer.scenario);
});

test("bands are in order, and what shows on the card is no less than what is reserved", () => {
  for (const { devices, scenario } of accepted) {
    for (const { allocatedBytes, reservedBytes: r, processBytes: p } of devices) {
      const rising = [allocatedBytes, r.low, r.expected, r.high];
      assert.deepEqual(rising, rising.toSorted((a, b) => a - b), JSON.stringify(scenario));
      assert.ok(p.low <= p.expected && p.expected <= p.high);
      assert.ok(p.low >= r.low && p.expected >= r.expected && p.high >= r.high);
    }
  }
});

test("a completed scenario has the answer of the scenario it came from", () => {
  for (const answer of accepted.slice(0, cases.length)) {
    const again = JSON.parse(answerTo(answer.scenario));
    assert.equal(again.ok, true, `${JSON.stringify(answer.scenario)}: ${JSON.stringify(again.issues)}`);
    assert.deepEqual(again.devices, answer.devices);
    assert.deepEqual(again.scenario, answer.scenario);
  }
});

test("a timeline's highest moment is the peak", () => {
  for (const { devices, timeline, scenario } of accepted)
    if (timeline) assert.equal(Math.max(...timeline.map(({ bytes }) => bytes)), devices[0].allocatedBytes, JSON.stringify(scenario));
});

test("tensors add up to what is allocated, less the rounding", () => {
  for (const { devices, scenario } of accepted)
    for (const { tensors, components, allocatedBytes } of devices)
      if (tensors) {
        const rounding = components.find(({ id }) => id === "rounding").bytes;
        assert.equal(tensors.reduce((sum, { bytes }) => sum + bytes, 0), allocatedBytes - rounding, JSON.stringify(scenario));
      }
});
