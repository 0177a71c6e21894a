// gpumem fit, advise and sweep: what they print, and that it is what the estimate says.
import assert from "node:assert/strict";
import test from "node:test";
import { fileOf, gpumem } from "../support/cli.mjs";

const serving = { model: { id: "meta-llama/Llama-3.1-8B" }, inference: { contextTokens: 8192 }, hardware: { gpu: "nvidia/rtx-4090" } };
const training = { model: { id: "meta-llama/Llama-3.1-8B" }, task: "training", training: { microBatch: 4 }, hardware: { gpu: "nvidia/h100-sxm-80gb" } };

const fitsWith = async (scenario) => (await gpumem(["estimate", "-", "--json"], JSON.stringify({ ...scenario, questions: [] }))).status === 0;

test("fit: the longest context fits, and one token more does not", async (t) => {
  const { status, out } = await gpumem(["fit", fileOf(t, serving), "--json"]);
  assert.equal(status, 0);
  const fit = JSON.parse(out);
  assert.equal(fit.gpusNeeded, 1);
  assert.equal(await fitsWith({ ...serving, inference: { contextTokens: fit.maxContextTokens } }), true);
  assert.equal(await fitsWith({ ...serving, inference: { contextTokens: fit.maxContextTokens + 1 } }), false);
  assert.equal(await fitsWith({ ...serving, hardware: { gpu: fit.smallestGpu } }), true);
  assert.equal(await fitsWith({ ...serving, model: { id: fit.largestModel } }), true);
});

test("fit: a table for people, and exit status 1 where it does not fit", async (t) => {
  const { status, out } = await gpumem(["fit", fileOf(t, training)]);
  assert.equal(status, 1);
  assert.match(out, /^meta-llama\/Llama-3\.1-8B, training with torch\n/);
  assert.match(out, /Largest micro-batch +\d+ +then activations is too much/);
});

test("advise: merged into the scenario, the first change makes it fit", async (t) => {
  const { status, out } = await gpumem(["advise", fileOf(t, training), "--json"]);
  assert.equal(status, 1);
  const [first] = JSON.parse(out);
  assert.equal(first.fits, true);
  assert.equal(await fitsWith({ ...training, training: { ...training.training, ...first.change.training } }), true);
  const table = (await gpumem(["advise", fileOf(t, training)])).out;
  assert.match(table, new RegExp(`^${first.id} .* fits `, "m"));
  assert.match((await gpumem(["advise", "-"], JSON.stringify(serving))).out, /^It fits/);
});

test("sweep: every combination of the values, as table, CSV and JSON lines", async (t) => {
  const file = fileOf(t, serving);
  const over = ["--over", "inference.contextTokens=1024,2048", "--over", "weights=bf16,nf4-dq"];
  const { status, out } = await gpumem(["sweep", file, ...over, "--csv"]);
  assert.equal(status, 0);
  const rows = out.trimEnd().split("\n").map((line) => line.split(","));
  assert.deepEqual(rows[0], ["inference.contextTokens", "weights", "allocatedBytes", "processBytes", "neededBytes", "usableBytes", "fits", "issues"]);
  assert.deepEqual(rows.slice(1).map((row) => row.slice(0, 2)), [["1024", "bf16"], ["1024", "nf4-dq"], ["2048", "bf16"], ["2048", "nf4-dq"]]);
  const json = (await gpumem(["sweep", file, ...over, "--json"])).out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(json.map(({ estimate }) => String(estimate.devices[0].allocatedBytes)), rows.slice(1).map((row) => row[2]));
  assert.deepEqual(json[3].values, { "inference.contextTokens": 2048, weights: "nf4-dq" });
  assert.match((await gpumem(["sweep", file, ...over])).out, /^ +2048 +nf4-dq .* fits$/m);
});

test("what cannot be asked is one sentence and exit status 2", async (t) => {
  const file = fileOf(t, serving);
  const wrong = [["fit"], ["fit", "nowhere.json"], ["sweep", file], ["sweep", file, "--over", "contextTokens"], ["sweep", file, "--over", "weights=nonsense"]];
  for (const args of wrong) assert.equal((await gpumem(args)).status, 2, args.join(" "));
  const { status, err } = await gpumem(["fit", "-"], '{"model": {"id": "no/such"}}');
  assert.equal(status, 2);
  assert.match(err, /^gpumem: Standard input is no valid scenario: model\.id [^\n]+\n$/);
});

test("help has examples", async () => {
  for (const command of ["fit", "advise", "sweep"]) assert.match((await gpumem([command, "--help"])).out, new RegExp(`For example:\n  gpumem ${command} `));
});
