// embed.html in an iframe of somebody else's page, and the part of the page that writes what to put there.
import assert from "node:assert/strict";
import test from "node:test";
import { folder, startHost } from "./support/host.mjs";
import { answerer, hashOf, offlineFile, startBrowser } from "./support/page.mjs";

const scenario = { model: { id: "Qwen/Qwen3-0.6B" }, task: "training", training: { method: "lora" }, hardware: { memory: "24 GiB" } };
const resize = 'window.heights = []; addEventListener("message", ({ data, source }) => data?.type === "gpumem-resize" && heights.push([data.height, source === document.querySelector("iframe").contentWindow]));';
const frame = (address) => `<!doctype html><title>host</title><script src="/resize.js"></script><iframe id="frame" src="${folder}embed.html${address}" width="700" height="100"></iframe>`;

const host = await startHost({
  "/resize.js": resize,
  "/a/frame.html": frame(`?theme=dark${hashOf(scenario)}`),
  "/a/bad.html": frame("#scenario=%7B%22model"),
});
const browser = await startBrowser();
const answerTo = await answerer();
test.after(() => Promise.all([host.close(), browser.close()]));

const frameOf = (page) => page.frames().find((one) => one.url().includes("embed.html"));

test("the iframe answers its address, tells its height whenever that changes, and takes the theme", async () => {
  const { page, seen } = await host.open("/a/frame.html");
  const inner = page.frameLocator("#frame");
  await inner.locator(".verdict strong").first().waitFor();
  const embedded = frameOf(page);
  await embedded.evaluate(() => addEventListener("gpumem-estimate", ({ detail }) => (window.last = detail)));
  await inner.getByLabel("Micro-batch").fill("2");
  await embedded.waitForFunction(() => window.last?.ok);
  const expected = answerTo({ ...scenario, training: { method: "lora", microBatch: 2 } }).devices[0].processBytes.expected;
  await embedded.waitForFunction((expected) => window.last?.devices[0].processBytes.expected === expected, expected);
  const height = () => page.evaluate(() => heights.at(-1));
  await page.waitForFunction(() => heights.at(-1)?.[0] > 200);
  const before = await height();
  assert.equal(before[1], true);
  assert.equal(before[0], await embedded.evaluate(() => Math.ceil(document.body.getBoundingClientRect().height)));
  await inner.locator(".parts > summary").click();
  await page.waitForFunction((before) => heights.at(-1)[0] > before, before[0]);
  assert.equal(await embedded.evaluate(() => getComputedStyle(document.querySelector("gpumem-calculator")).backgroundColor), "rgb(21, 22, 24)");
  assert.deepEqual(seen.errors, []);
  await page.close();
});

test("another address is another answer, and one that cannot be read is said to be so", async () => {
  const { page } = await host.open("/a/bad.html");
  const inner = page.frameLocator("#frame");
  assert.match(await inner.locator("[role=alert]").textContent(), /No scenario can be read here/);
  await frameOf(page).evaluate((hash) => (location.hash = hash), hashOf(scenario));
  await inner.locator(".verdict strong").first().waitFor();
  await page.close();
});

test("the page writes both ways in; what it writes answers the same", async () => {
  const { page, last, close } = await browser.open(hashOf(scenario));
  await page.locator(".folded > summary", { hasText: "Embed this" }).click();
  await page.locator(".embed pre").first().waitFor();
  const [element, iframe] = await page.locator(".embed pre").allTextContents();
  assert.match(element, /<gpumem-calculator scenario="\{&quot;model/);
  await page.getByRole("button", { name: "Copy", exact: true }).first().click();
  await page.getByText("Copied").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), element);
  const wanted = (await last()).devices[0].processBytes.expected;
  const there = (text) => text.replaceAll(new URL("/", page.url()).href, folder);
  host.pages["/page.html"] = `<!doctype html><title>host</title>${there(element)}${there(iframe)}`;
  const { page: other } = await host.open("/page.html");
  const answers = (place) => place.waitForFunction((wanted) => document.querySelector("gpumem-calculator")?.estimate?.devices[0].processBytes.expected === wanted, wanted);
  await answers(other);
  await answers(frameOf(other));
  await other.close();
  await close();
});

test("common fields become attributes, and text stays text", async () => {
  const { page, close } = await browser.open(hashOf({ model: { id: '"><script>window.taken=1</script>' }, task: "training", hardware: { gpu: "nvidia/rtx-4090" } }));
  await page.locator("#model-search").fill("Qwen/Qwen3-0.6B");
  await page.locator(".folded > summary", { hasText: "Embed this" }).click();
  assert.match(await page.locator(".embed pre").first().textContent(), /<gpumem-calculator model="Qwen\/Qwen3-0\.6B" task="training" gpu="nvidia\/rtx-4090">/);
  assert.equal(await page.evaluate(() => window.taken), undefined);
  await close();
  const offline = await browser.open(hashOf(scenario), { address: offlineFile });
  await offline.page.locator(".folded > summary", { hasText: "Embed this" }).click();
  await offline.page.getByText("where a server has it").waitFor();
  await offline.close();
});
