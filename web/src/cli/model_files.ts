/// <reference types="node" />
// gpumem estimate --model: the model of a file on disk, with the files that belong to it.
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { catalog } from "../lib/catalog";
import { readFiles } from "../import/files";
import { parseJson } from "../import/json";
import { partsOf, shardsOf } from "../import/shards";
import type { Source } from "../import/source";
import { readText } from "./input";
import { Problem } from "./problem";

/** As a scenario names it. Of weights only the header is read. */
export async function modelOfFile(file: string): Promise<Record<string, unknown>> {
  const sources = await Promise.all((await belonging(file)).map(fileSource));
  try {
    const { model, notes } = await readFiles(sources.map(({ source }) => source), catalog.models);
    if (!model) throw new Problem(`${file} names no model.`);
    for (const note of notes) process.stderr.write(`gpumem: ${note}\n`);
    return typeof model.configText === "string" ? { config: parseJson(model.configText) } : model;
  } catch (error) {
    throw new Problem((error as Error).message);
  } finally {
    await Promise.all(sources.map(({ close }) => close()));
  }
}

/** The parts of a split file, the shards of an index, the config.json that lies beside. */
async function belonging(file: string): Promise<string[]> {
  const beside = (name: string) => join(dirname(file), name);
  const config = existsSync(beside("config.json")) ? [beside("config.json")] : [];
  if (/\.gguf$/i.test(file)) return partsOf(basename(file)).map(beside);
  if (/\.safetensors$/i.test(file)) return [file, ...config];
  if (/index\.json$/i.test(file)) return [file, ...config, ...shardsOf(parseJson(await readText(file)) as { weight_map?: unknown }).map(beside)];
  return [file];
}

async function fileSource(path: string): Promise<{ source: Source; close: () => Promise<void> }> {
  const handle = await open(path).catch((error: Error) => {
    throw new Problem(`${path} cannot be read: ${error.message}.`);
  });
  const { size } = await handle.stat();
  const read = async (start: number, end: number) => {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
    return bytes.subarray(0, bytesRead);
  };
  return { source: { name: basename(path), size, read }, close: () => handle.close() };
}
