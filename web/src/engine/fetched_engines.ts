// The engines as the page fetches them: a small one for the first answer, and the whole one behind it.
import firstAddress from "../../../build/wasm/first.wasm?url";
import wholeAddress from "../../../build/wasm/estimator.wasm?url";
import { responseOf } from "../import/asset";
import { createEngine, type Engine } from "./engine";

export const startEngine = async (): Promise<Engine> => createEngine(await responseOf(firstAddress), false);

/** Absent where the page starts with the whole engine. */
export const wholeEngine: (() => Promise<Engine>) | undefined = async () => createEngine(await responseOf(wholeAddress));
