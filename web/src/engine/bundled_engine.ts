// The whole engine inside the page that is one file: it is there from the start.
import address from "../../../build/wasm/estimator.wasm?url";
import { readAsset } from "../import/asset";
import { createEngine, type Engine } from "./engine";

export const engines: (() => Promise<Engine>)[] = [async () => createEngine(await readAsset(address))];
