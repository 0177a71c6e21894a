// The engine with its WebAssembly inside the bundle: no file is read and nothing is fetched, in node and in bundlers.
import dataUrl from "../../../build/wasm/estimator.wasm?inline";
import { createEngine, type LoadedEngine } from "../engine/engine";
import { readAsset } from "../import/asset";

let engine: Promise<LoadedEngine> | undefined;

/** The same engine for every call; it is made at the first one. */
export function bundledEngine(): Promise<LoadedEngine> {
  engine ??= readAsset(dataUrl).then(createEngine);
  return engine;
}

/** For after a call that threw: its memory may be in any state, so the next call starts with a new one. */
export function discardEngine() {
  engine = undefined;
}
