// npm run hosts: sites of VitePress, MkDocs and Docusaurus that embed the calculator as element and as iframe, made with what the
// registries have today, and opened in Chromium. No part of npm test: it downloads several hundred packages.
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { recipes } from "./hosts/recipes.mjs";
import { serve } from "./serve.mjs";
import { chromiumArguments, findChromium } from "./support/chromium.mjs";
import { Failure, main, root, run } from "./support/run.mjs";

const folder = join(root, "build/hosts");

/** What a host's site serves of the calculator: all but what nobody embeds. */
const left = /dist\/(cli|lib|offline)$/;

function make(name) {
  const { files, install, build, statics, output } = recipes[name];
  const site = join(folder, name);
  mkdirSync(site, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(site, path, ".."), { recursive: true });
    writeFileSync(join(site, path), text);
  }
  rmSync(join(site, statics, "gpumem"), { recursive: true, force: true });
  cpSync(join(root, "dist"), join(site, statics, "gpumem"), { recursive: true, filter: (path) => !left.test(path) });
  for (const command of [...install, build]) run(command[0], command.slice(1), { cwd: site });
  return join(site, output);
}

/** The element has an answer, the iframe told its height and has the same one, and nothing went wrong in the page. */
async function look(browser, site, path) {
  const server = await serve(site, 0);
  const page = await browser.newPage();
  const errors = [];
  // The sites have no icon of their own.
  page.on("console", (message) => message.type() === "error" && !message.location().url.endsWith("/favicon.ico") && errors.push(`${message.text()} ${message.location().url}`));
  page.on("pageerror", (error) => errors.push(error.message));
  try {
    await page.goto(`http://127.0.0.1:${server.address().port}${path}`);
    const bytesOf = () => document.querySelector("gpumem-calculator")?.estimate?.devices?.[0].processBytes.expected;
    const element = await (await page.waitForFunction(bytesOf, undefined, { timeout: 20_000 })).jsonValue();
    const frame = await (await page.waitForSelector("iframe")).contentFrame();
    const framed = await (await frame.waitForFunction(bytesOf, undefined, { timeout: 20_000 })).jsonValue();
    await page.waitForFunction(() => Number(document.querySelector("iframe").height) > 200, undefined, { timeout: 20_000 });
    return { element, framed, height: await page.evaluate(() => Number(document.querySelector("iframe").height)), errors };
  } finally {
    await page.close();
    server.closeAllConnections();
    server.close();
  }
}

main(import.meta.url, async () => {
  if (!existsSync(join(root, "dist/element"))) throw new Failure("Nothing is built yet; npm run build comes first.");
  const asked = process.argv.slice(2);
  const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArguments });
  try {
    for (const name of asked.length > 0 ? asked : Object.keys(recipes)) {
      if (!recipes[name]) throw new Failure(`There is no recipe for ${name}, only for ${Object.keys(recipes).join(", ")}.`);
      const found = await look(browser, make(name), recipes[name].path);
      console.log(`${name}: ${JSON.stringify(found)}`);
      if (found.element !== found.framed || found.errors.length > 0) throw new Failure(`${name}: element and iframe differ, or the page has errors.`);
    }
  } finally {
    await browser.close();
  }
});
