import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import { ended, fileOf, gpumem, start } from "../support/cli.mjs";

const answersOf = (out) => out.trimEnd().split("\n").map((line) => JSON.parse(line));
const codesOf = ({ issues }) => issues.map(({ code }) => code);

// The count in the answer tells which line it belongs to.
const lineOf = (i) => {
  if (i % 10 === 3) return "{ not JSON";
  if (i % 10 === 7) return JSON.stringify({ model: { parameters: i + 1 }, wrong: true });
  return JSON.stringify({ model: { parameters: i + 1 }, detail: "summary" });
};

test("1000 lines have 1000 answers in order, bad lines among them", async () => {
  const { status, out, err } = await gpumem(["estimate", "--jsonl"], Array.from({ length: 1000 }, (_, i) => `${lineOf(i)}\n`).join(""));
  assert.deepEqual([status, err], [0, ""]);
  const answers = answersOf(out);
  assert.equal(answers.length, 1000);
  for (const [i, answer] of answers.entries()) {
    if (i % 10 === 3) assert.deepEqual(codesOf(answer), ["not-json"]);
    else if (i % 10 === 7) assert.deepEqual(codesOf(answer), ["unknown-field"]);
    else assert.equal(answer.parameters.total, i + 1);
  }
});

test("each line is answered as it arrives", { timeout: 20_000 }, async () => {
  const child = start(["estimate", "--jsonl"]);
  const end = ended(child);
  for (const i of [0, 1, 2, 3, 4]) {
    child.stdin.write(`${lineOf(i)}\n`);
    const [answer] = await once(child.stdout, "data");
    assert.equal(JSON.parse(answer).ok, i !== 3);
  }
  child.stdin.end();
  assert.equal((await end).status, 0);
});

test("a line's answer is what --json prints for it", async () => {
  for (const i of [1, 3, 7]) {
    const [line, whole] = await Promise.all([gpumem(["estimate", "--jsonl"], lineOf(i)), gpumem(["estimate", "-", "--json"], lineOf(i))]);
    assert.equal(line.out, whole.out);
    assert.equal(line.status, 0);
  }
});

test("lines may come from a file, end the Windows way, and the last one without an end", async (t) => {
  const { status, out } = await gpumem(["estimate", "--jsonl", fileOf(t, `\uFEFF${lineOf(0)}\r\n${lineOf(1)}\r\n${lineOf(2)}`)]);
  assert.equal(status, 0);
  assert.deepEqual(answersOf(out).map(({ parameters }) => parameters.total), [1, 2, 3]);
});

test("blank lines are passed over, and no lines have no answers", async () => {
  const { out } = await gpumem(["estimate", "--jsonl"], `\n  \r\n${lineOf(0)}\n\n\n${lineOf(1)}\n\n`);
  assert.equal(answersOf(out).length, 2);
  assert.deepEqual(await gpumem(["estimate", "--jsonl"], ""), { status: 0, out: "", err: "" });
});

test("numbers, lists and words are answered with issues", async () => {
  const values = ["null", "5", '"text"', "[]", "true", "{}", "NaN", '{"__proto__": {"model": {"parameters": 1}}}'];
  const { status, out } = await gpumem(["estimate", "--jsonl"], values.join("\n"));
  assert.equal(status, 0);
  assert.deepEqual(answersOf(out).map(({ ok }) => ok), values.map(() => false));
});

test("a line of 60 MB is one bad line", async () => {
  const { status, out } = await gpumem(["estimate", "--jsonl"], `${lineOf(0)}\n${"x".repeat(60e6)}\n${lineOf(1)}\n`);
  assert.equal(status, 0);
  const answers = answersOf(out);
  assert.deepEqual(answers.map(({ ok }) => ok), [true, false, true]);
  assert.deepEqual(codesOf(answers[1]), ["not-json"]);
});

test("a reader that leaves ends the command quietly", { timeout: 20_000 }, async () => {
  const child = start(["estimate", "--jsonl"]);
  child.stdin.on("error", () => {});
  let open = true;
  child.on("close", () => (open = false));
  const end = ended(child);
  once(child.stdout, "data").then(() => child.stdout.destroy());
  while (open) {
    child.stdin.write(`${lineOf(0)}\n`.repeat(100));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { status, err } = await end;
  assert.deepEqual([status, err], [0, ""]);
});
