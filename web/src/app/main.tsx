// Starts the engine and puts the page on screen.
import { render } from "preact";
import first from "../../../build/catalog/first.json";
import engineAddress from "../../../build/wasm/estimator.wasm?url";
import { App } from "../components/App";
import { createEngine } from "../engine/engine";
import type { Catalog } from "../engine/types";
import { readAsset } from "../import/asset";
import * as text from "../text/en";
import "./base.css";

const place = document.getElementById("page") as HTMLElement;

try {
  const engine = await createEngine(await readAsset(engineAddress));
  place.textContent = "";
  render(<App engine={engine} first={first as Catalog} />, place);
} catch (error) {
  place.textContent = `${text.noEngine} ${(error as Error).message}`;
}
