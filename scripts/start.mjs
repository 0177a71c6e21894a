// Sets up what is missing, builds, serves the page and prints its address.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { build } from "./build.mjs";
import { serve } from "./serve.mjs";
import { setup } from "./setup.mjs";
import { Failure, main, root, which } from "./support/run.mjs";

main(import.meta.url, async () => {
  const port = readPort(process.env.PORT ?? "8080");
  setup("build");
  await build();
  const server = await serve(join(root, "dist"), port);
  const address = `http://localhost:${server.address().port}/`;
  openBrowser(address);
  console.log(address);
});

function readPort(text) {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text);
  throw new Failure(`PORT is "${text}", but a port is a number from 0 to 65535.`);
}

/** Only where a desktop is there to show it. */
function openBrowser(address) {
  if (process.env.CI) return;
  const desktop = process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  const opener = process.platform === "darwin" ? "open" : desktop && "xdg-open";
  if (!opener || !which(opener)) return;
  spawn(opener, [address], { stdio: "ignore", detached: true }).on("error", () => {}).unref();
}
