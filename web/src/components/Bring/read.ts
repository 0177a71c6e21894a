// What was handed over, read: texts and links that were typed, files and folders that were dropped or chosen.
import { idOf } from "../../catalog/named";
import { readFiles } from "../../import/files";
import type { Given } from "../../import/given";
import { type Choices, readHub } from "../../import/hub";
import { hubAddress } from "../../import/hub_address";
import { fileSource, type Source, Unreadable } from "../../import/source";
import { readText } from "../../import/text";
import * as text from "../../text/import";

export interface Handed {
  files?: File[];
  /** Folders, as the browser hands them over. */
  folders?: FileSystemEntry[];
  text?: string;
}

export const settings = { token: "", mirror: "" };

const hubs = { huggingface: "https://huggingface.co", modelscope: "https://modelscope.cn" };

interface Running {
  signal: AbortSignal;
  progress: (name: string) => void;
}

/** A link or an id is asked for at its hub: only here, and only since somebody asked. */
export async function readTyped(typed: string, models: Record<string, object>, running: Running, file?: string): Promise<Given | Choices> {
  const given = typed.trim();
  const mirror = mirrorBase();
  const address = hubAddress(given, mirror);
  if (!address) {
    if (/\s/.test(given) || given.startsWith("{")) return readText(typed, models);
    const id = idOf(given, models);
    if (!Object.hasOwn(models, id)) throw new Unreadable(text.noId);
    return { name: id, model: { id }, notes: [] };
  }
  if (location.protocol === "file:") throw new Unreadable(text.offline);
  const base = address.hub === "huggingface" && mirror ? mirror : hubs[address.hub];
  const token = address.hub === "huggingface" ? settings.token : "";
  return readHub(file ? { ...address, path: file } : address, { base, token, ...running }, models);
}

function mirrorBase(): string | undefined {
  if (!settings.mirror) return undefined;
  if (!/^https?:\/\/[^\s/@?#]+(\/[^\s?#]*)?$/.test(settings.mirror)) throw new Unreadable(text.badMirror);
  if (settings.token && !/^https:|^http:\/\/(localhost|127\.0\.0\.1)(:|\/|$)/.test(settings.mirror)) throw new Unreadable(text.openMirror);
  return settings.mirror.replace(/\/+$/, "");
}

export async function readHanded({ files = [], folders = [], text: pasted }: Handed, models: Record<string, object>): Promise<Given> {
  if (pasted !== undefined) return readText(pasted, models);
  const sources: Source[] = folders.length === 0 ? files.map((file) => ({ ...fileSource(file), name: file.webkitRelativePath || file.name })) : [];
  for (const folder of folders) await collect(folder, sources);
  return readFiles(sources, models);
}

const deepest = 4;

async function collect(entry: FileSystemEntry, into: Source[], depth = 0): Promise<void> {
  if (into.length > text.mostFiles.limit || depth > deepest) return;
  if (entry.isFile) {
    const file = await new Promise<File>((settle, fail) => (entry as FileSystemFileEntry).file(settle, fail));
    into.push({ ...fileSource(file), name: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((settle, fail) => reader.readEntries(settle, fail));
    if (some.length === 0) return;
    for (const one of some) await collect(one, into, depth + 1);
  }
}
