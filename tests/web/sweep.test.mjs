// Sweeps and plans: worked out beside the page, and what they show is what the engine says.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { answerer, gibibytes, hashOf, offlineFile, startBrowser } from "./support/page.mjs";

const browser = await startBrowser();
const answerTo = await answerer();
test.after(browser.close);

const serving = { model: { id: "meta-llama/Llama-3.1-8B" }, hardware: { gpu: "nvidia/rtx-4090" } };
const needs = (scenario) => answerTo(scenario).devices[0].processBytes.expected;

async function open(hash, part, options) {
  const opened = await browser.open(hash, options);
  opened.page.setDefaultTimeout(30_000);
  await opened.page.locator(".folded > summary", { hasText: part }).click();
  return opened;
}

for (const [where, options] of Object.entries({ "the page": {}, "the file that opens from disk": { address: offlineFile } })) {
  test(`a sweep over lengths has the engine's figure for each, and says the last that fits (${where})`, async () => {
    const { page, seen, close } = await open(hashOf(serving), "Sweep", options);
    await page.getByLabel("Its values").fill("4096, 16384..32768/16384");
    await page.locator('.line svg[aria-label*="at 4,096 to"][aria-label$="The last value that fits is 16,384."]').waitFor();
    await page.locator(".line summary").click();
    const cells = await page.locator(".line tbody td:nth-child(2)").allTextContents();
    assert.deepEqual(cells, [4096, 16384, 32768].map((contextTokens) => gibibytes(needs({ ...serving, inference: { contextTokens } }), 2)));
    assert.deepEqual(seen.errors, []);
    await close();
  });
}

test("a value of a sweep is taken over with one click", async () => {
  const { page, last, close } = await open(hashOf(serving), "Sweep");
  await page.locator(".line summary").click();
  await page.getByRole("button", { name: "use 8,192" }).click();
  assert.equal((await last()).scenario.inference.contextTokens, 8192);
  await close();
});

test("two fields make a map, whose CSV has every combination", async () => {
  const { page, close } = await open(hashOf(serving), "Sweep");
  await page.getByLabel("Its values").fill("1024, 2048");
  await page.getByLabel("Second field").selectOption("inference.sequences");
  await page.getByLabel("Values of the second field").fill("1, 64");
  await page.locator(".heat td").nth(3).waitFor();
  const points = [[1024, 1], [1024, 64], [2048, 1], [2048, 64]];
  const answers = points.map(([contextTokens, sequences]) => answerTo({ ...serving, inference: { contextTokens, sequences } }).devices[0]);
  assert.deepEqual(await page.locator(".heat td.number").evaluateAll((cells) => cells.map((cell) => cell.firstChild.textContent)), answers.map(({ processBytes }) => gibibytes(processBytes.expected)));
  assert.equal(await page.locator(".heat td.shade-over").count(), answers.filter(({ fits }) => !fits).length);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save as CSV" }).click()]);
  const lines = readFileSync(await file.path(), "utf8").trim().split("\n");
  assert.equal(lines[0], "inference.contextTokens,inference.sequences,allocatedBytes,processBytes,neededBytes,usableBytes,fits,issues");
  assert.deepEqual(lines.slice(1).map((line) => line.split(",").slice(0, 4).map(Number)), points.map((point, i) => [...point, answers[i].allocatedBytes, answers[i].processBytes.expected]));
  await close();
});

test("a large sweep tells how far it is, can be stopped, and too large a one is refused", async () => {
  const { page, close } = await open(hashOf({ ...serving, engine: { name: "vllm" } }), "Sweep");
  const values = page.getByLabel("Its values");
  await values.fill("1024..102400/16");
  await page.locator(".running", { hasText: /of 6,337 estimates/ }).waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await page.locator(".running").waitFor({ state: "detached" });
  await values.fill("1..100000/1");
  await page.getByRole("alert").filter({ hasText: "at most 10,000 points" }).waitFor();
  await close();
});

test("under an engine with a pool, a sweep shows what is needed and not the pool", async () => {
  const pooled = { ...serving, engine: { name: "vllm" } };
  const { page, close } = await open(hashOf(pooled), "Sweep");
  await page.getByLabel("Its values").fill("1024, 8192, 131072");
  await page.getByText("Shown is what these requests need at the same time").waitFor();
  await page.locator('.line svg[aria-label*="at 131,072. The last value that fits is 8,192."]').waitFor();
  await page.locator(".line summary").click();
  const needed = [1024, 8192, 131072].map((contextTokens) => answerTo({ ...pooled, inference: { contextTokens } }).devices[0]);
  assert.ok(needed[0].neededBytes < needed[1].neededBytes);
  assert.deepEqual(await page.locator(".line tbody td:nth-child(2)").allTextContents(), needed.map(({ neededBytes, processBytes, allocatedBytes }) => gibibytes(neededBytes + processBytes.expected - allocatedBytes, 2)));
  await close();
});

test("a plan lists layouts that fit, as the engine says, and one click takes one over", async () => {
  const scenario = { model: { id: "meta-llama/Llama-3.1-70B" }, engine: { name: "vllm" }, hardware: { gpu: "nvidia/h100-sxm-80gb" } };
  const { page, last, close } = await open(hashOf(scenario), "Plan");
  const row = page.locator(".plan tbody tr").first();
  await row.waitFor();
  assert.match(await row.textContent(), /^tensor 2 .*Each layer over 2 GPUs/);
  const split = { ...scenario, parallel: { tensor: 2 } };
  assert.ok((await row.textContent()).includes(`${gibibytes(needs(split))}\u00a0GiB`));
  await row.getByRole("button").click();
  assert.deepEqual((await last()).devices.map(({ fits, count }) => [fits, count]), [[true, 2]]);
  await close();
});

test("the smallest card and the largest model are those of the command line", async () => {
  const { page, last, close } = await open(hashOf(serving), "Plan");
  await page.getByRole("button", { name: /^use .*, \d+ GB|^use .*, \d+ GiB/ }).click();
  const { fits, usableBytes } = (await last()).devices[0];
  assert.equal(fits, true);
  assert.ok(usableBytes < answerTo(serving).devices[0].usableBytes);
  await close();
});

test("where no worker starts, the reason is said, and the answer stays", async () => {
  const { page, close } = await browser.open(hashOf(serving));
  await page.route(/worker-[\w-]+\.js$/, (route) => route.abort());
  await page.locator(".folded > summary", { hasText: "Sweep" }).click();
  await page.locator(".sweep [role=alert]", { hasText: "This could not be worked out" }).waitFor();
  assert.ok(await page.locator(".verdict strong").first().isVisible());
  await close();
});
