// The engine with its WebAssembly inside the bundle: no file is read and nothing is fetched, in node and in bundlers.
import dataUrl from "../../../build/wasm/estimator.wasm?inline";
import { createEngine, type Engine } from "../engine/engine";

let engine: Promise<Engine> | undefined;

/** The same engine for every call; it is made at the first one. */
export function bundledEngine(): Promise<Engine> {
  engine ??= createEngine(decoded(dataUrl));
  return engine;
}

/** For after a call that threw: its memory may be in any state, so the next call starts with a new one. */
export function discardEngine() {
  engine = undefined;
}

/** atob, since only node has Buffer and only browsers may fetch a data: URL under every policy. */
function decoded(url: string): Uint8Array {
  const binary = atob(url.slice(url.indexOf(",") + 1));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}
