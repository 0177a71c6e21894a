// A model on a hub: its config.json and the headers of its weights, and nothing else of it.
import { isAdapter, readAdapter } from "./adapter";
import { type Given, isTree } from "./given";
import { readGguf } from "./gguf";
import { type Access, httpSource, httpText, Missing } from "./http_source";
import type { HubAddress } from "./hub_address";
import { longestText, parseJson } from "./json";
import { isPipelineIndex, pipelineModel } from "./pipeline";
import { readSafetensors } from "./safetensors";
import { mergedGguf, mergedHeaders, partsOf, shardsOf } from "./shards";
import { Unreadable } from "./source";

/** Several files would do: the visitor chooses one. */
export interface Choices {
  files: string[];
}

const longestIndex = 32_000_000;
const atOnce = 6;
const mostListed = 5000;

export async function readHub(address: HubAddress, access: Access, models: Record<string, object>): Promise<Given | Choices> {
  const { id, path, quantization } = address;
  if (path !== undefined) {
    if (/\.gguf$/i.test(path)) return ggufAt(address, access, path);
    if (/\.safetensors$/i.test(path)) return safetensorsAt(address, access, [path]);
    if (!/\.json$/i.test(path)) throw new Unreadable(`${path.slice(0, 80)} is none of the files that are read: config.json, GGUF, safetensors.`);
    if (/safetensors\.index\.json$/.test(path)) return indexAt(address, access, path);
  }
  const files = await listed(address, access);
  const has = (file: string) => files.includes(file);
  const ggufs = files.filter((file) => /\.gguf$/i.test(file) && !/(^|\/)mmproj|imatrix/i.test(file) && !/-0000[2-9]-of-|-000[1-9]\d-of-/.test(file));
  if (quantization) {
    const one = ggufs.find((file) => file.toLowerCase().includes(quantization.toLowerCase()));
    if (!one) throw new Unreadable(`${id} has no file of the type ${quantization}.`);
    return ggufAt(address, access, one);
  }
  if (has("model_index.json")) return pipelineAt(address, access, files);
  if (has("adapter_config.json") && !has("config.json")) {
    const json = await jsonAt(address, access, "adapter_config.json");
    if (isTree(json) && isAdapter(json)) return { ...readAdapter(json, models), name: id };
  }
  if (has("model.safetensors.index.json")) return indexAt(address, access, "model.safetensors.index.json");
  if (has("model.safetensors")) return safetensorsAt(address, access, ["model.safetensors"]);
  if (ggufs.length === 1) return ggufAt(address, access, ggufs[0]);
  if (ggufs.length > 1) return { files: ggufs };
  const others = files.filter((file) => /^[^/]+\.safetensors$/i.test(file));
  if (others.length > 0 && !has("config.json")) return others.length === 1 ? safetensorsAt(address, access, others) : { files: others };
  const config = await jsonAt(address, access, "config.json");
  return { name: id, model: { config }, notes: ["The repository has no safetensors: weights are counted from config.json."] };
}

const fileAddress = ({ hub, id, revision }: HubAddress, { base }: Access, path: string) =>
  `${base}/${hub === "modelscope" ? "models/" : ""}${id}/resolve/${encodeURIComponent(revision ?? (hub === "modelscope" ? "master" : "main"))}/${path.split("/").map(encodeURIComponent).join("/")}`;

async function listed(address: HubAddress, access: Access): Promise<string[]> {
  const { hub, id, revision } = address;
  const at = hub === "modelscope" ? `${access.base}/api/v1/models/${id}/repo/files?Recursive=true&Revision=${encodeURIComponent(revision ?? "master")}`
    : `${access.base}/api/models/${id}${revision ? `/revision/${encodeURIComponent(revision)}` : ""}`;
  const answer = parsed(await httpText(access, at, id, longestIndex), "The hub's list of files");
  const rows = hub === "modelscope" ? (answer as { Data?: { Files?: unknown } }).Data?.Files : (answer as { siblings?: unknown }).siblings;
  if (!Array.isArray(rows)) throw new Unreadable("The hub's list of files is none.");
  const names = rows.slice(0, mostListed).map((row: { rfilename?: unknown; Path?: unknown } | null) => row?.rfilename ?? row?.Path);
  return names.filter((name): name is string => typeof name === "string" && name.length < 300);
}

async function jsonAt(address: HubAddress, access: Access, path: string, longest = longestText): Promise<unknown> {
  const text = await httpText(access, fileAddress(address, access, path), path, longest);
  return parsed(text, path);
}

function parsed(text: string, name: string): unknown {
  try {
    return text.length > longestText ? JSON.parse(text) : parseJson(text);
  } catch {
    throw new Unreadable(`${name} is damaged: it is no JSON.`);
  }
}

/** Without a config.json there are still the weights. */
async function configAt(address: HubAddress, access: Access): Promise<unknown> {
  try {
    return await jsonAt(address, access, "config.json");
  } catch (error) {
    if (error instanceof Missing) return undefined;
    throw error;
  }
}

async function ggufAt(address: HubAddress, access: Access, path: string): Promise<Given> {
  const parts = await inTurn(partsOf(path), (file) => readGguf(httpSource(access, fileAddress(address, access, file), file)));
  return { name: `${address.id} ${path}`, model: { gguf: mergedGguf(parts) }, notes: [] };
}

async function indexAt(address: HubAddress, access: Access, path: string): Promise<Given> {
  const index = await jsonAt(address, access, path, longestIndex);
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  return safetensorsAt(address, access, shardsOf(isTree(index) ? index : {}).map((file) => folder + file));
}

async function safetensorsAt(address: HubAddress, access: Access, files: string[]): Promise<Given> {
  const config = await configAt(address, access);
  const headers = await inTurn(files, async (file) => [file, await readSafetensors(httpSource(access, fileAddress(address, access, file), file))] as [string, Awaited<ReturnType<typeof readSafetensors>>]);
  const notes = isTree(config) ? [] : ["The repository has no config.json: only the weights are known."];
  return { name: address.id, model: { safetensors: { header: mergedHeaders(headers), ...(isTree(config) && { config }) } }, notes };
}

async function pipelineAt(address: HubAddress, access: Access, files: string[]): Promise<Given> {
  const index = await jsonAt(address, access, "model_index.json");
  if (!isTree(index) || !isPipelineIndex(index)) throw new Unreadable("model_index.json is damaged: it names no components.");
  const { model, notes } = await pipelineModel(index, async (component) => (files.includes(`${component}/config.json`) ? jsonAt(address, access, `${component}/config.json`) : undefined));
  return { name: address.id, model, notes };
}

/** A few at once, in the order given; the first failure ends it. */
async function inTurn<In, Out>(all: In[], work: (one: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  let next = 0;
  const worker = async () => {
    while (next < all.length) {
      const i = next++;
      results[i] = await work(all[i]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker));
  return results;
}
