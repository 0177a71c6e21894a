// The built page in the system's Chromium, served as npm start serves it.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "../../../scripts/serve.mjs";
import { chromiumArguments, findChromium } from "../../../scripts/support/chromium.mjs";
import { root } from "../../../scripts/support/run.mjs";
import { loadEngine } from "../../support/engine.mjs";

const dist = join(root, "dist");
export const offlineFile = pathToFileURL(join(dist, "offline/gpumem.html")).href;

/** {open(hash, options), close()}; one browser and one server for a whole file of tests. */
export async function startBrowser() {
  assert.ok(existsSync(join(dist, "index.html")), "nothing is built yet; npm run build comes first");
  const server = await serve(dist, 0);
  const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArguments });
  const address = `http://127.0.0.1:${server.address().port}/`;
  return {
    open: (hash = "", options = {}) => open(browser, options.address ?? address, hash, options),
    close: async () => {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

async function open(browser, address, hash, { width = 1280, height = 900, settled = true, without } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, serviceWorkers: "block", permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  if (without) await page.route(without, (route) => route.abort());
  const seen = { requests: [], errors: [] };
  page.on("request", (request) => seen.requests.push(request.url()));
  // Playwright says of a blocked service worker that it is.
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && !/blocked by Playwright/.test(message.text()) && seen.errors.push(message.text()));
  page.on("pageerror", (error) => seen.errors.push(error.message));
  await page.addInitScript(() => {
    window.estimates = [];
    addEventListener("gpumem-estimate", (event) => window.estimates.push(event.detail));
    addEventListener("gpumem-engine", () => (window.wholeEngine = true));
  });
  await page.goto(address + hash);
  // From then on a change is answered at once.
  if (settled) await page.waitForFunction(() => window.estimates.length > 0 && window.wholeEngine);
  return { page, seen, close: () => context.close(), last: () => page.evaluate(() => window.estimates.at(-1)) };
}

export const hashOf = (scenario) => `#scenario=${encodeURIComponent(JSON.stringify(scenario))}`;

/** What the engine itself says to a scenario, the page left out. */
export async function answerer() {
  const { estimateScenario } = await loadEngine();
  return (scenario) => JSON.parse(estimateScenario(scenario));
}

export const gibibytes = (bytes, digits = 1) => (bytes / 2 ** 30).toFixed(digits);
export const verdictOf = (page) => page.locator(".verdict [role=status]");
