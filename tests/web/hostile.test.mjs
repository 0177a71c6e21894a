// Input that nobody means well with.
import assert from "node:assert/strict";
import test from "node:test";
import { hashOf, startBrowser } from "./support/page.mjs";

const browser = await startBrowser();
test.after(browser.close);

const markup = '<img src=x onerror="window.taken=1"><script>window.taken=1</script>';

test("names from an address or a configuration never become markup", async () => {
  const scenarios = [
    { model: { id: markup }, hardware: { gpu: markup }, [markup]: 1 },
    { model: { config: { model_type: markup, architectures: [markup], [markup]: markup } } },
    { model: { parameters: 7e9 }, weights: markup, engine: { name: markup, options: { [markup]: 1 } }, hardware: { memory: markup } },
  ];
  for (const scenario of scenarios) {
    const { page, seen, close } = await browser.open(hashOf(scenario));
    assert.deepEqual(await page.evaluate(() => [window.taken, document.querySelectorAll("main img, main script").length]), [undefined, 0]);
    assert.deepEqual(seen.errors, []);
    await close();
  }
});

const long = 50_000_000;

test("a pasted text of 50 MB is refused at once, with a sentence", async () => {
  const { page, close } = await browser.open();
  await page.getByRole("radio", { name: "config.json", exact: true }).check();
  await page.locator("textarea").evaluate((field, length) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text", "[".repeat(length));
    window.refused = !field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, long);
  assert.equal(await page.evaluate(() => window.refused), true);
  await page.getByRole("alert").filter({ hasText: "more than 4 MB" }).waitFor();
  await close();
});

test("a dropped file of 50 MB is refused without being read", async () => {
  const { page, last, close } = await browser.open();
  await page.evaluate((length) => {
    File.prototype.text = () => {
      window.wasRead = true;
    };
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([new Uint8Array(length)], "config.json"));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  }, long);
  await page.getByRole("alert").filter({ hasText: "more than 4 MB" }).waitFor();
  assert.equal(await page.evaluate(() => window.wasRead), undefined);
  assert.equal((await last()).ok, true);
  await close();
});

test("a dropped config.json is read", async () => {
  const { page, last, close } = await browser.open();
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["{ not json"], "config.json"));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  });
  await page.waitForFunction(() => !window.estimates.at(-1).ok);
  assert.equal(await page.locator("#model-config").inputValue(), "{ not json");
  assert.match((await last()).issues[0].message, /not valid JSON/);
  await close();
});
