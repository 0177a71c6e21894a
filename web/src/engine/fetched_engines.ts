// The engines as the page fetches them: a small one for what most visitors change first, and the whole one behind it.
import firstAddress from "../../../build/wasm/first.wasm?url";
import wholeAddress from "../../../build/wasm/estimator.wasm?url";
import { responseOf } from "../import/asset";
import { createEngine, type Engine } from "./engine";

/** One after the other; the last is the whole one. */
export const engines: (() => Promise<Engine>)[] = [
  async () => createEngine(await responseOf(firstAddress), false),
  async () => createEngine(await responseOf(wholeAddress)),
];
