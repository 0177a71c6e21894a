// The documentation in a browser: from the page's footer, on a phone, in the dark, with the policy holding.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { root } from "../../scripts/support/run.mjs";
import { startBrowser } from "./support/page.mjs";

const browser = await startBrowser();
test.after(browser.close);

test("the page's footer leads to it, and an example leads back to the page", async () => {
  const { page, close } = await browser.open("");
  await page.locator("footer a", { hasText: "Documentation" }).click();
  await page.locator("h1", { hasText: "gpumem" }).waitFor();
  await page.locator("nav a", { hasText: "Worked examples" }).click();
  await page.locator("td a").first().click();
  await page.locator(".verdict").waitFor();
  assert.match(page.url(), /\/#/);
  await close();
});

for (const [width, colorScheme, ground] of [[360, "light", "rgb(251, 251, 250)"], [1280, "dark", "rgb(21, 22, 24)"]])
  test(`every page opens without an error, and only tables and programs are wider than it (${width} px, ${colorScheme})`, async () => {
    const { page, seen, close } = await browser.open("docs/", { width, settled: false });
    await page.emulateMedia({ colorScheme });
    const start = page.url(), problems = [];
    for (const file of readdirSync(join(root, "dist/docs")).filter((name) => name.endsWith(".html"))) {
      await page.goto(new URL(file, start).href);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) problems.push(`${file}: ${wide} px too wide`);
    }
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), ground);
    assert.deepEqual([...problems, ...seen.errors], []);
    assert.ok(seen.requests.every((address) => address.startsWith(start) || address.startsWith("data:")), "something from elsewhere was asked for");
    await close();
  });
