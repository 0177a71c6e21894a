// Starts the engine and puts the page on screen.
import { render } from "preact";
import first from "../../../build/catalog/first.json";
import { App } from "../components/App";
import { startEngine, wholeEngine } from "../engine/fetched_engines";
import type { Catalog } from "../engine/types";
import { documentation } from "../installed/documentation";
import * as text from "../text/en";
import "./base.css";

const place = document.getElementById("page") as HTMLElement;

try {
  const engine = await startEngine();
  place.textContent = "";
  // Once everything is there, it may be kept for when there is no network.
  addEventListener("gpumem-engine", () => import("../installed/register").then(({ register }) => register(), () => {}), { once: true });
  render(<App start={engine} whole={wholeEngine} first={first as Catalog} documentation={documentation} />, place);
} catch (error) {
  place.textContent = `${text.noEngine} ${(error as Error).message}`;
}
