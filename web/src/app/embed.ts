// The page of an iframe: the element alone, told by the address; it tells its parent how high it is.
import "../element/define";
import type { GpumemCalculator } from "../element/class";
import type { Scenario } from "../engine/types";
import { readAddress } from "../state/address";

const calculator = document.querySelector("gpumem-calculator") as GpumemCalculator;

function read() {
  const scenario = readAddress(location.hash);
  // What cannot be read, the element says so.
  if (scenario === null) calculator.setAttribute("scenario", decoded(location.hash.replace(/^#scenario=/, "")));
  else calculator.removeAttribute("scenario");
  calculator.scenario = (scenario ?? undefined) as Scenario | undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const theme = new URLSearchParams(location.search).get("theme");
if (theme === "dark" || theme === "light") document.documentElement.style.colorScheme = theme;

read();
addEventListener("hashchange", read);

let told = 0;
new ResizeObserver(() => {
  const height = Math.ceil(document.body.getBoundingClientRect().height);
  if (height === told || parent === window) return;
  told = height;
  parent.postMessage({ type: "gpumem-resize", height }, "*");
}).observe(document.body);
