// Where Chromium is. Tests and the benchmark drive the system's browser; none is downloaded.
import { existsSync } from "node:fs";
import { which } from "./run.mjs";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const fixed = ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];

/** The browser's path, or undefined; the variable CHROMIUM names another one. */
export function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  return names.map(which).find(Boolean) ?? fixed.find(existsSync);
}

/** Started as root (containers, CI), Chromium refuses its sandbox. */
export const chromiumArguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
