// Starts the engine and puts the page on screen.
import { render } from "preact";
import firstModel from "../../../build/catalog/first.json";
import gpus from "../../../build/catalog/gpus.json";
import engineAddress from "../../../build/wasm/estimator.wasm?url";
import { App } from "../components/App";
import { createEngine } from "../engine/engine";
import type { Catalog } from "../engine/types";
import { readAsset } from "../import/asset";
import * as text from "../text/en";
import "./base.css";

const place = document.getElementById("page") as HTMLElement;
const first = { models: firstModel, gpus } as Catalog;

try {
  const engine = await createEngine(await readAsset(engineAddress));
  place.textContent = "";
  render(<App engine={engine} first={first} />, place);
} catch (error) {
  place.textContent = `${text.noEngine} ${(error as Error).message}`;
}
