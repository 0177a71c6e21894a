// The scenario in the page's address.
import assert from "node:assert/strict";
import test from "node:test";
import { answerer, hashOf, startBrowser, verdictOf } from "./support/page.mjs";

const browser = await startBrowser();
const answerTo = await answerer();
test.after(browser.close);

const scenario = {
  model: { id: "Qwen/Qwen3-4B" },
  task: "training",
  training: { optimizer: "sgd", microBatch: 3, sequenceTokens: 1024, checkpointing: "full", optimizerInBackward: true },
  hardware: { memory: "48 GB" },
};
const process = (estimate) => estimate.devices[0].processBytes.expected;
const inAddress = (page) => page.evaluate(() => JSON.parse(decodeURIComponent(location.hash.slice("#scenario=".length))));

test("an address brings back every setting, and what the page writes brings it back again", async () => {
  const first = await browser.open(hashOf(scenario));
  assert.equal(process(await first.last()), process(answerTo(scenario)));
  await first.page.getByLabel("Micro-batch").fill("5");
  await first.page.waitForFunction(() => location.hash.includes("%3A5"));
  const written = await inAddress(first.page);
  assert.deepEqual(written, { ...scenario, training: { ...scenario.training, microBatch: 5 } });
  const second = await browser.open(hashOf(written));
  assert.equal(process(await second.last()), process(await first.last()));
  await first.close();
  await second.close();
});

test("the copied link is the address of what is on screen", async () => {
  const { page, close } = await browser.open();
  await page.getByLabel("Sequences").fill("7");
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.getByText("Copied").waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(JSON.parse(decodeURIComponent(link.split("#scenario=")[1])).inference.sequences, 7);
  await close();
});

test("an address that cannot be read says so and shows the default", async () => {
  for (const hash of ["#scenario=%7B%22model", "#scenario=%E0%A4%A", "#nonsense", "#scenario=[1]"]) {
    const { page, last, close } = await browser.open(hash);
    assert.match(await page.locator(".top [role=alert]").textContent(), /no readable scenario/);
    assert.equal((await last()).ok, true);
    await close();
  }
});

test("what no field shows is kept, and what is wrong in it is named", async () => {
  const { page, last, close } = await browser.open(hashOf({ model: { id: "Qwen/Qwen3-4B" }, engine: { options: { cache_implementation: "static" } }, nonsense: 1 }));
  assert.deepEqual((await last()).issues.map(({ path }) => path), ["nonsense"]);
  assert.match(await page.locator(".problem").textContent(), /nonsense|unknown/i);
  await close();
});

test("a model that only the later catalog knows is not called unknown before it has arrived", async () => {
  const { page, last, close } = await browser.open(hashOf({ model: { id: "openai-community/gpt2" } }));
  assert.equal((await last()).ok, true);
  assert.deepEqual(await page.evaluate(() => window.estimates.filter(({ ok }) => !ok)), []);
  await verdictOf(page).waitFor();
  await close();
});
