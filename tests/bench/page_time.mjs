// Milliseconds from opening the page to its first estimate on screen, from this machine, nothing cached.
import { join } from "node:path";
import { chromium } from "playwright-core";
import { serve } from "../../scripts/serve.mjs";
import { chromiumArguments, findChromium } from "../../scripts/support/chromium.mjs";
import { root } from "../../scripts/support/run.mjs";
import { median } from "./median.mjs";

const visits = 7;

export async function firstEstimateTime() {
  const server = await serve(join(root, "dist"), 0);
  const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArguments });
  const address = `http://127.0.0.1:${server.address().port}/`;
  try {
    const times = [];
    for (let i = 0; i < visits; i++) times.push(await visit(browser, address));
    return median(times);
  } finally {
    await browser.close();
    server.close();
  }
}

/** The page tells of every estimate with an event; the second frame after the first one has it on screen. */
async function visit(browser, address) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(() => {
    window.firstEstimate = new Promise((resolve) => {
      const shown = () => requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
      addEventListener("gpumem-estimate", shown, { once: true });
    });
  });
  await page.goto(address);
  const time = await page.evaluate(() => window.firstEstimate);
  await context.close();
  return time;
}
