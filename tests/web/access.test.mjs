// The page for people who do not see it, do not use a mouse, or want no motion.
import assert from "node:assert/strict";
import test from "node:test";
import { hashOf, startBrowser } from "./support/page.mjs";

const browser = await startBrowser();
test.after(browser.close);

const training = { model: { id: "meta-llama/Llama-3.1-8B" }, task: "training", training: { method: "lora" }, hardware: { memory: "24 GiB" } };
const llama = { model: { id: "meta-llama/Llama-3.1-8B" }, weights: "Q4_K_M", parallel: { pipeline: 2 }, hardware: { memory: "8 GiB" } };

async function withAllOpen(scenario, options) {
  const opened = await browser.open(hashOf(scenario), options);
  const { page } = opened;
  await page.locator("summary", { hasText: "Embed this" }).waitFor();   // the last of the parts that come after the answer
  await page.keyboard.press("c");
  // Parts that arrive meanwhile would move those that are counted off one by one.
  await page.evaluate(() => document.querySelectorAll("main details").forEach((one) => (one.open = true)));
  await page.locator(".command").waitFor();
  await page.locator("#log-text").waitFor();
  return opened;
}

for (const [name, scenario] of Object.entries({ training, llama })) {
  test(`ids are single, references lead somewhere, and names are there (${name})`, async () => {
    const { page, close } = await withAllOpen(scenario);
    assert.deepEqual(await page.evaluate(problems), []);
    await close();
  });
}

/** Runs in the page: the rules that a checker of accessibility would look at first. */
function problems() {
  const found = [];
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`twice: #${id}`);
  for (const element of document.querySelectorAll("[aria-describedby], [aria-controls], [aria-labelledby], label[for]"))
    for (const name of ["aria-describedby", "aria-controls", "aria-labelledby", "for"])
      for (const id of (element.getAttribute(name) ?? "").split(/\s+/).filter(Boolean)) if (!document.getElementById(id)) found.push(`${name} leads nowhere: ${id}`);
  const nameOf = (element) => element.getAttribute("aria-label") || [...(element.labels ?? [])].map((label) => label.textContent).join("") || element.textContent;
  for (const element of document.querySelectorAll("input, select, textarea, button, summary, a, [role=img], [role=region], [tabindex='0']")) if (!nameOf(element).trim()) found.push(`nameless: ${element.outerHTML.slice(0, 80)}`);
  for (const table of document.querySelectorAll("table")) {
    if (!table.querySelector("thead th[scope=col]")) found.push(`a table without column headers in ${table.closest("[class]").className}`);
    for (const row of table.querySelectorAll("tbody tr:not(.opened)")) if (row.children.length > 2 && !row.querySelector("th, td")) found.push("an empty row");
  }
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].map(({ tagName }) => Number(tagName[1]));
  levels.forEach((level, i) => i > 0 && level > levels[i - 1] + 1 && found.push(`heading ${level} after ${levels[i - 1]}`));
  for (const scroller of document.querySelectorAll("main *")) {
    const style = getComputedStyle(scroller);
    const scrolls = /auto|scroll/.test(style.overflowX + style.overflowY) && scroller.scrollWidth > scroller.clientWidth + 1;
    if (scrolls && scroller.tabIndex < 0 && !scroller.querySelector("input, button, select, a")) found.push(`scrolls, but not by keyboard: ${scroller.className || scroller.tagName}`);
  }
  return found;
}

test("sections open, and a log is compared, by keyboard alone", async () => {
  const { page, close } = await browser.open(hashOf(training));
  await page.locator("summary", { hasText: "Embed this" }).waitFor();   // the last of the parts that come after the answer
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  for (let i = 0; i < 80 && (await focused()) !== "Ladder of methods"; i++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".ladder").waitFor();
  for (let i = 0; i < 80 && (await focused()) !== "Compare with your log"; i++) await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await page.locator("#log-text").waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.type("GPU KV cache size: 20,992 tokens c");
  await page.getByRole("button", { name: "Calculate for vLLM" }).waitFor();
  assert.match(await page.locator("#log-text").inputValue(), /tokens c$/, "letters are letters where text is typed");
  await close();
});

test("nothing moves for those who asked for no motion", async () => {
  const { page, close } = await browser.open(hashOf(training));
  await page.emulateMedia({ reducedMotion: "reduce" });
  const moving = await page.evaluate(() => [...document.querySelectorAll("*")].filter((element) => {
    const { transitionDuration, animationName } = getComputedStyle(element);
    return animationName !== "none" || transitionDuration.split(", ").some((time) => parseFloat(time) > 0);
  }).map(({ className }) => className));
  assert.deepEqual(moving, []);
  await close();
});

test("with the system's own colours parts keep theirs, and the limit is still a line", async () => {
  const { page, close } = await browser.open(hashOf(training));
  await page.emulateMedia({ forcedColors: "active" });
  const colours = await page.locator(".top .part").evaluateAll((parts) => parts.slice(0, 3).map((part) => getComputedStyle(part).backgroundColor));
  assert.equal(new Set(colours).size, 3);
  assert.ok(parseFloat(await page.locator(".top .limit").evaluate((limit) => getComputedStyle(limit).borderLeftWidth)) >= 2);
  await close();
});

test("a sweep is made, and one of its values taken over, by keyboard alone", async () => {
  const { page, last, close } = await browser.open(hashOf(training));
  await page.locator("summary", { hasText: "Embed this" }).waitFor();
  const tabTo = async (found) => {
    for (let i = 0; i < 120; i++) {
      if (await page.evaluate(found)) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`not reached: ${found}`);
  };
  await tabTo(() => document.activeElement.textContent === "Sweep");
  await page.keyboard.press("Enter");
  await page.locator(".sweep .line").waitFor();
  await tabTo(() => document.activeElement.id === "sweep-values-0");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("512, 4096");
  await page.locator('.line svg[aria-label*="at 512"]').waitFor();
  await tabTo(() => document.activeElement.textContent === "As a table" && document.activeElement.closest(".line") !== null);
  await page.keyboard.press("Enter");
  await tabTo(() => document.activeElement.getAttribute("aria-label") === "use 512");
  await page.keyboard.press("Enter");
  assert.equal((await last()).scenario.training.sequenceTokens, 512);
  await close();
});

test("written from right to left, nothing sticks out and nothing lies on top of each other", async () => {
  for (const width of [375, 1280]) {
    const { page, close } = await withAllOpen(training, { width });
    await page.evaluate(() => (document.documentElement.dir = "rtl"));
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    const laid = await page.evaluate(() => [...document.querySelectorAll(".field")].filter((field) => {
      const [label, control] = [field.querySelector("label"), field.querySelector("input, select, textarea")].map((one) => one.getBoundingClientRect());
      return label.left < control.right - 1 && control.left < label.right - 1 && label.top < control.bottom - 1 && control.top < label.bottom - 1;
    }).length);
    assert.equal(laid, 0);
    // What is over the limit lies behind the limit.
    const [limit, over] = await page.evaluate(() => [".top .limit", ".top .over"].map((name) => document.querySelector(name).getBoundingClientRect().left));
    assert.ok(Math.abs(limit - over) < 4, `${limit} and ${over}`);
    await close();
  }
});

// 640 is a window of 1280 at 200 %.
for (const width of [320, 375, 640, 768]) {
  test(`no part sticks out at a width of ${width}, in either theme`, async () => {
    for (const scenario of [training, llama]) {
      const { page, close } = await withAllOpen(scenario, { width });
      await page.locator("#log-text").fill("llm_load_tensors:      CUDA0 buffer size =  5434.38 MiB");
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
      await close();
    }
  });
}
