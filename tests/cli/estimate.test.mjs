import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import test from "node:test";
import { fileOf, gpumem } from "../support/cli.mjs";

const eightBillion = { model: { id: "meta-llama/Llama-3.1-8B" }, task: "inference", inference: { contextTokens: 4096 } };
const on = (memory, scenario = eightBillion) => ({ ...scenario, hardware: { memory } });

test("a scenario's table names verdict, components, bands, peak, rule of thumb and assumptions", async (t) => {
  const { status, out, err } = await gpumem(["estimate", fileOf(t, on("80 GiB"))]);
  assert.deepEqual([status, err], [0, ""]);
  const expected = [/^It fits: \d+\.\d\d GiB of 80\.00 GiB usable, .* to spare\.$/m, /^  weights +14\.96 GiB$/m, /^  kv-cache +0\.50 GiB$/m];
  const bands = [/^ +low +expected +high$/m, /^  process, as nvidia-smi shows it( +[\d.]+ GiB){3}$/m, /^    of which cuda-context /m];
  const rest = [/^At the peak \(\w+\) on 1 × gpu$/m, /8,030,261,248/, /^Rule of thumb: 17\.95 GiB/m, /128\.0 KiB a token/];
  for (const line of [...expected, ...bands, ...rest]) assert.match(out, line);
});

test("units of the table are binary, or decimal on request", async (t) => {
  const file = fileOf(t, eightBillion);
  assert.match((await gpumem(["estimate", file, "--units", "gb"])).out, /^  weights +16\.06 GB$/m);
  assert.match((await gpumem(["estimate", file, "--units", "gib"])).out, /^  weights +14\.96 GiB$/m);
});

test("assumptions and a published figure stand in the table", async () => {
  const { out } = await gpumem(["estimate", "-", "--units=gb"], JSON.stringify({ model: { parameters: 70e9 }, weights: "int8" }));
  assert.match(out, /^Rule of thumb: 84\.00 GB/m);
  assert.match(out, /published as 21\.00 GB/);
  assert.match(out, /^Assumptions\n {2}Only a parameter count is known/m);
});

test("the exit status is 0 where it fits, 0 without hardware, 1 where it does not fit, 2 for an invalid scenario", async () => {
  const statusOf = async (scenario) => (await gpumem(["estimate", "-", "--json"], JSON.stringify(scenario))).status;
  assert.equal(await statusOf(on("80 GiB")), 0);
  assert.equal(await statusOf(eightBillion), 0);
  assert.equal(await statusOf(on("8 GiB")), 1);
  assert.equal(await statusOf(on("8 apples")), 2);
});

test("a table says how much is missing where it does not fit", async () => {
  const { status, out } = await gpumem(["estimate", "-"], JSON.stringify(on("8 GiB")));
  assert.equal(status, 1);
  assert.match(out, /^It does not fit: .* of 8\.00 GiB usable, [\d.]+ GiB too much\.$/m);
});

test("--json prints one line of JSON", async () => {
  const { out, err } = await gpumem(["estimate", "-", "--json"], JSON.stringify(eightBillion));
  assert.equal(err, "");
  assert.equal(out.indexOf("\n"), out.length - 1);
  assert.equal(JSON.parse(out).parameters.total, 8030261248);
});

test("every issue of an invalid scenario is named with its path", async () => {
  const input = JSON.stringify({ model: { parameters: -1 }, weights: "int3", colour: "red" });
  const table = await gpumem(["estimate", "-"], input);
  assert.deepEqual([table.status, table.out], [2, ""]);
  for (const path of ["model.parameters", "weights", "colour"]) assert.match(table.err, new RegExp(`^  ${path} `, "m"));
  const json = await gpumem(["estimate", "-", "--json"], input);
  assert.deepEqual(JSON.parse(json.out).issues.map(({ path }) => path).sort(), ["colour", "model.parameters", "weights"]);
});

const small = {
  architectures: ["GPT2LMHeadModel"], model_type: "gpt2", n_embd: 768, n_layer: 12, n_head: 12, n_positions: 1024, vocab_size: 50257,
};

test("a config.json by itself is told how it becomes a scenario", async () => {
  const { status, out } = await gpumem(["estimate", "-", "--json"], JSON.stringify(small));
  assert.equal(status, 2);
  const { issues } = JSON.parse(out);
  assert.deepEqual(issues.map(({ path, code }) => [path, code]), [["model", "missing"]]);
  assert.ok(issues[0].message.includes('{"model": {"config": '), issues[0].message);
});

test("a file may begin with a byte-order mark and end lines the Windows way", async (t) => {
  const text = `\uFEFF${JSON.stringify({ model: { config: small } }, null, 2).replaceAll("\n", "\r\n")}\r\n`;
  const { status, out } = await gpumem(["estimate", fileOf(t, text), "--json"]);
  assert.equal(status, 0);
  assert.equal(JSON.parse(out).parameters.total, 124439808);
});

test("Python's NaN and Infinity are read, and refused only where they are sizes", async () => {
  const harmless = JSON.stringify({ model: { config: { ...small, summary: 0 } } }).replace('"summary":0', '"summary":NaN,"other":-Infinity');
  assert.equal((await gpumem(["estimate", "-", "--json"], harmless)).status, 0);
  const wrong = JSON.stringify({ model: { config: small } }).replace('"n_embd":768', '"n_embd":NaN');
  const { status, out } = await gpumem(["estimate", "-", "--json"], wrong);
  assert.equal(status, 2);
  const [first] = JSON.parse(out).issues;
  assert.deepEqual([first.path, first.code], ["model.config.n_embd", "not-finite"]);
});

test("5 MB of nonsense is refused in a sentence, soon", async (t) => {
  for (const piece of ["x", "[", '{"a":', '\\"', "\u0000", "NaN,"]) {
    const started = performance.now();
    const { status, out } = await gpumem(["estimate", fileOf(t, `"${piece.repeat(5e6 / piece.length)}`), "--json"]);
    assert.equal(status, 2);
    assert.equal(JSON.parse(out).issues[0].code, "not-json");
    assert.ok(performance.now() - started < 10_000, `${JSON.stringify(piece)} took too long`);
  }
});

test("nonsense just below the limit is refused soon, too", async (t) => {
  for (const piece of ["[", '{"a":', '\\"', "NaN,", "-"]) {
    const started = performance.now();
    const { status } = await gpumem(["estimate", fileOf(t, `"${piece.repeat(3.9e6 / piece.length)}`), "--json"]);
    assert.equal(status, 2);
    assert.ok(performance.now() - started < 10_000, `${JSON.stringify(piece)} took too long`);
  }
});

test("bytes that are no text, and nothing at all, are no JSON", async () => {
  for (const input of [Buffer.from([0xff, 0xfe, 0x00, 0xc0, 0x80]), ""]) {
    const { status, out } = await gpumem(["estimate", "-", "--json"], input);
    assert.equal(status, 2);
    assert.equal(JSON.parse(out).issues[0].code, "not-json");
  }
});

test("a missing file, a folder and an unreadable file are each one sentence", async (t) => {
  const locked = fileOf(t, eightBillion);
  chmodSync(locked, 0o000);
  const files = ["/nowhere/at/all.json", "/", ...(process.getuid?.() === 0 ? [] : [locked])];
  for (const file of files) {
    const { status, out, err } = await gpumem(["estimate", file]);
    assert.deepEqual([status, out], [2, ""]);
    assert.match(err, /^gpumem: \S+ cannot be read: [^\n]+\.\n$/);
  }
});

test("no control characters of a file reach the terminal", async () => {
  const { err } = await gpumem(["estimate", "-"], JSON.stringify({ model: { id: "\u001b[31mred\u0007" } }));
  assert.doesNotMatch(err, /[\u0000-\u0009\u000b-\u001f]/);
});
