// Files from this machine: recognised by their names and by what is in them. Of weights only the header is read.
import { isAdapter, readAdapter } from "./adapter";
import { type Given, isTree } from "./given";
import { readGguf } from "./gguf";
import { longestText, parseJson } from "./json";
import { isPipelineIndex, pipelineModel } from "./pipeline";
import { readSafetensors } from "./safetensors";
import { mergedGguf, mergedHeaders, shardsOf } from "./shards";
import { type Source, Unreadable } from "./source";
import { readText } from "./text";
import { mostFiles, tooLong } from "../text/import";

const longestIndex = 32_000_000;
const nameOf = ({ name }: Source) => name.split(/[\\/]/).at(-1) ?? name;
const ending = (end: string) => (source: Source) => source.name.toLowerCase().endsWith(end);
/** Weights, tokenizers and pictures that lie beside them. */
const beside = /(^|[\\/])\.|(tokenizer|vocab|merges|special_tokens|preprocessor|generation_config|chat_template|README|LICENSE)|\.(md|txt|bin|pt|pth|png|jpe?g|model|msgpack|h5|onnx|lock)$/i;

export async function readFiles(sources: Source[], models: Record<string, object>): Promise<Given> {
  if (sources.length > mostFiles.limit) throw new Unreadable(mostFiles.sentence);
  const ggufs = sources.filter(ending(".gguf")), stored = sources.filter(ending(".safetensors"));
  const single = sources.length === 1;
  const texts = sources.filter((one) => !ggufs.includes(one) && !stored.includes(one) && (single || !beside.test(one.name)));
  if (ggufs.length > 0) {
    const facts = mergedGguf(await Promise.all(ggufs.map(readGguf)));
    return { name: nameOf(ggufs[0]), model: { gguf: facts }, notes: [] };
  }
  const read = await Promise.all(texts.map(async (source) => ({ source, json: await jsonOf(source) })));
  const found = (is: (json: Record<string, unknown>) => boolean) => read.find(({ json }) => isTree(json) && is(json));
  const index = found((json) => isTree(json.weight_map));
  const config = found((json) => ("model_type" in json || "architectures" in json) && !("peft_type" in json));
  const pipeline = found(isPipelineIndex);
  if (pipeline) {
    const folder = pipeline.source.name.slice(0, -nameOf(pipeline.source).length);
    const { model, notes } = await pipelineModel(pipeline.json as Record<string, unknown>, async (component) =>
      read.find(({ source }) => source.name.replaceAll("\\", "/") === `${folder}${component}/config.json`)?.json);
    return { name: folder || "model_index.json", model, notes };
  }
  const adapter = found(isAdapter);
  if (adapter) return readAdapter(adapter.json as Record<string, unknown>, models);
  if (stored.length > 0 || index) return checkpoint(stored, index?.json as Record<string, unknown> | undefined, config?.json);
  if (texts.length === 0) throw new Unreadable("None of these files is one that is read: config.json, GGUF, safetensors, adapter_config.json, model_index.json or a training configuration.");
  return readText(await textOf(texts[0]), models, nameOf(texts[0]));
}

async function checkpoint(stored: Source[], index: Record<string, unknown> | undefined, config: unknown): Promise<Given> {
  const missing = index ? shardsOf(index).filter((file) => !stored.some((source) => nameOf(source) === file.split("/").at(-1))) : [];
  if (missing.length > 0) throw new Unreadable(`The index names ${missing.length === 1 ? missing[0] : `${missing.length} files that are not here, ${missing[0]} first`}: choose index, shards and config.json together.`);
  const headers = await Promise.all(stored.map(async (source) => [nameOf(source), await readSafetensors(source)] as [string, Awaited<ReturnType<typeof readSafetensors>>]));
  const header = mergedHeaders(headers);
  const notes = isTree(config) ? [] : ["Without the config.json beside it only the weights are known: choose both for cache and activations."];
  return { name: nameOf(stored[0]), model: { safetensors: { header, ...(isTree(config) && { config }) } }, notes };
}

async function textOf(source: Source, longest = longestText): Promise<string> {
  if ((source.size ?? 0) > longest) throw new Unreadable(tooLong);
  return new TextDecoder().decode(await source.read(0, longest));
}

/** Undefined where it is no JSON; a file alone is said to be none when it is read as text. */
async function jsonOf(source: Source): Promise<unknown> {
  if (!ending(".json")(source)) return undefined;
  const text = await textOf(source, /index\.json$/.test(source.name) ? longestIndex : longestText);
  try {
    return text.length > longestText ? JSON.parse(text) : parseJson(text);
  } catch {
    return undefined;
  }
}
