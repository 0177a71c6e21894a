// The page by keyboard, on a telephone, and as one file from disk.
import assert from "node:assert/strict";
import test from "node:test";
import { hashOf, offlineFile, startBrowser, verdictOf } from "./support/page.mjs";

const browser = await startBrowser();
test.after(browser.close);

test("model, kind of work, settings and a part's tensors are reached by keyboard alone", async () => {
  const { page, last, close } = await browser.open();
  await page.waitForFunction(() => document.querySelector("#hardware-gpu"));
  await page.keyboard.press("/");
  await page.keyboard.type("gpt2 xl");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#model-search").inputValue(), "openai-community/gpt2-xl");
  // The place for files and links comes between model and task.
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight");
  const { scenario } = await last();
  assert.deepEqual([scenario.model.id, scenario.task], ["openai-community/gpt2-xl", "training"]);
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
  for (let i = 0; i < 40 && (await focused()) !== "opener"; i++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".opened .tensors").first().waitFor();
  await close();
});

test("? shows the keys, but types a question mark where text is typed", async () => {
  const { page, close } = await browser.open();
  await page.keyboard.press("?");
  await page.locator(".keys").waitFor();
  await page.keyboard.press("?");
  assert.equal(await page.locator(".keys").count(), 0);
  await page.getByLabel("Sequences").fill("");
  await page.keyboard.type("?");
  assert.equal(await page.getByLabel("Sequences").inputValue(), "?");
  await close();
});

test("a screen reader hears the verdict and finds names for every control and chart", async () => {
  const { page, close } = await browser.open();
  assert.equal(await verdictOf(page).getAttribute("aria-live"), "polite");
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll("input, select, textarea, button, [role=img]")]
      .filter((element) => !(element.labels?.length || element.ariaLabel || element.textContent.trim()))
      .map((element) => element.outerHTML),
  );
  assert.deepEqual(nameless, []);
  await page.getByText("As a table").click();
  assert.ok((await page.locator(".timeline tbody tr").count()) > 30);
  await close();
});

for (const width of [320, 360, 375, 600, 768, 1000]) {
  test(`nothing sticks out at a width of ${width}`, async () => {
    const wide = { model: { id: "meta-llama/Llama-3.1-405B-Instruct" }, task: "training", hardware: { gpu: "nvidia/rtx-4090" } };
    const { page, close } = await browser.open(hashOf(wide), { width });
    await page.locator(".ways").waitFor();
    for (const opener of await page.locator(".opener").all()) await opener.click();
    assert.deepEqual(await page.evaluate(() => [document.documentElement.scrollWidth <= innerWidth]), [true]);
    await close();
  });
}

test("adapters and a model that is not counted fit on a telephone, too", async () => {
  const scenarios = [{ model: { id: "microsoft/Phi-3-small-8k-instruct" } }, { model: { id: "meta-llama/Llama-3.1-8B" }, task: "training", training: { method: "dora" } }];
  for (const scenario of scenarios) {
    const { page, close } = await browser.open(hashOf(scenario), { width: 360 });
    await page.locator(".uncounted, .bar").waitFor();
    for (const field of await page.locator("[role=combobox]").all()) {
      await field.click();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    }
    await close();
  }
});

test("text keeps a contrast of 4.5 to what lies behind it, in light and dark", async () => {
  for (const theme of ["light", "dark"]) {
    const { page, close } = await browser.open(hashOf({ model: { id: "meta-llama/Llama-3.1-8B" }, task: "training", hardware: { gpu: "nvidia/rtx-4090" } }));
    await page.getByLabel("Theme").selectOption(theme);
    await page.locator(".ways").waitFor();
    assert.deepEqual(await page.evaluate(weakTexts), []);
    await close();
  }
});

/** Runs in the page: every element with text of its own whose colour is too near to its background's. */
function weakTexts() {
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const ratio = (element) => {
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  return [...document.querySelectorAll("body *")]
    .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) && element.getClientRects().length > 0)
    .filter((element) => ratio(element) < 4.5)
    .map((element) => `${element.className || element.tagName}: ${element.textContent.slice(0, 30)} ${ratio(element).toFixed(2)}`);
}

test("on a telephone the verdict stays in sight while the inputs scroll", async () => {
  const { page, close } = await browser.open("", { width: 375, height: 700 });
  await page.evaluate(() => scrollTo(0, 900));
  const box = await verdictOf(page).boundingBox();
  assert.ok(box.y >= 0 && box.y < 100, `the verdict is at ${box.y}`);
  await close();
});

test("the single file opens from disk, asks for nothing, and knows the whole catalog", async () => {
  const { page, seen, last, close } = await browser.open("", { address: offlineFile });
  assert.match(await verdictOf(page).textContent(), /^Fits: /);
  await page.keyboard.press("/");
  await page.keyboard.type("gpt2-medium");
  await page.keyboard.press("Enter");
  assert.equal((await last()).parameters.total, 354823168);
  await page.locator(".opener").first().click();
  assert.deepEqual(seen.requests.filter((url) => url.split("#")[0] !== offlineFile && !url.startsWith("data:image/")), []);
  assert.deepEqual(seen.errors, []);
  const policy = await page.locator("meta[http-equiv]").getAttribute("content");
  assert.match(policy, /^default-src 'none'; script-src 'sha256-[^ ]+ 'wasm-unsafe-eval'; style-src 'sha256-/);
  await close();
});
