// Sweeps and plans as a visitor meets them: estimates a second over all workers of the page, and the seconds of a large plan.
import { join } from "node:path";
import { chromium } from "playwright-core";
import { serve } from "../../scripts/serve.mjs";
import { chromiumArguments, findChromium } from "../../scripts/support/chromium.mjs";
import { root } from "../../scripts/support/run.mjs";

const serving = { model: { id: "meta-llama/Llama-3.1-8B" }, hardware: { gpu: "nvidia/rtx-4090" } };
const large = { model: { id: "meta-llama/Llama-3.1-405B" }, task: "training", engine: { name: "megatron" }, training: { sequenceTokens: 8192 }, hardware: { gpu: "nvidia/h100-sxm-80gb" } };

/** {sweep, plan}: estimates a second, and seconds. */
export async function questionTimes() {
  const server = await serve(join(root, "dist"), 0);
  const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArguments });
  const address = `http://127.0.0.1:${server.address().port}/`;
  const open = async (scenario, part) => {
    const page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(`${address}#scenario=${encodeURIComponent(JSON.stringify(scenario))}`);
    await page.locator(".folded > summary", { hasText: part }).click();
    return page;
  };
  try {
    const sweep = await open(serving, "Sweep");
    await sweep.locator(".line").waitFor();
    await sweep.getByLabel("Its values").fill("1024..103000/1024");
    await sweep.getByLabel("Second field").selectOption("inference.sequences");
    await sweep.getByLabel("Values of the second field").fill("1..100/1");
    const said = await sweep.getByText(/^Save as CSV 10,000 estimates in/).textContent();
    const plan = await open(large, "Plan");
    await plan.getByText("No way that is computed fits").waitFor();   // on the eight that it begins with
    const seconds = await plan.evaluate(async () => {
      const field = document.querySelector("#plan-gpus");
      const started = performance.now();
      field.value = "1024";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      while (!document.querySelector(".plan tbody")) await new Promise((next) => setTimeout(next, 5));
      return (performance.now() - started) * 0.001;
    });
    return { sweep: 10_000 / Number(/in ([\d.]+) s/.exec(said)[1]), plan: seconds };
  } finally {
    await browser.close();
    server.close();
  }
}
