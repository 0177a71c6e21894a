// Files that are parts of one checkpoint.
import type { GgufFacts } from "./gguf";
import type { StoredHeader } from "./safetensors";
import { Unreadable } from "./source";

export const mostShards = 1000;

/** The files that a model.safetensors.index.json names. */
export function shardsOf(index: { weight_map?: unknown }): string[] {
  const files = new Set(Object.values((index.weight_map ?? {}) as object));
  const safe = [...files].filter((file): file is string => typeof file === "string" && /^[\w][\w.\- /]{0,200}\.safetensors$/.test(file) && !file.includes(".."));
  if (safe.length !== files.size || safe.length === 0 || safe.length > mostShards) throw new Unreadable("The index names no files, too many, or files with names that no checkpoint has.");
  return safe;
}

export function mergedHeaders(headers: [name: string, header: StoredHeader][]): StoredHeader {
  const all: StoredHeader = Object.create(null) as StoredHeader;
  for (const [file, header] of headers)
    for (const [name, row] of Object.entries(header)) {
      if (name in all) throw new Unreadable(`${name.slice(0, 80)} is in two of the files, ${file} is one: are they parts of the same checkpoint?`);
      all[name] = row;
    }
  return { ...all };
}

const partName = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/;

/** All parts of a GGUF file that was split, this one among them. */
export function partsOf(file: string): string[] {
  const [, before, , of] = partName.exec(file) ?? [];
  if (!before || Number(of) > mostShards) return [file];
  return Array.from({ length: Number(of) }, (_, i) => `${before}-${String(i + 1).padStart(5, "0")}-of-${of}.gguf`);
}

/** The first part has the metadata, every part tensors. */
export function mergedGguf(parts: GgufFacts[]): GgufFacts {
  const [first] = [...parts].sort((a, b) => Number(a.metadata["split.no"] ?? 0) - Number(b.metadata["split.no"] ?? 0));
  const wanted = Number(first.metadata["split.count"] ?? 1) || 1;
  if (wanted !== parts.length) throw new Unreadable(`The GGUF file is split into ${wanted} parts and ${parts.length} were given: choose all of them.`);
  return { metadata: first.metadata, tensors: parts.flatMap(({ tensors }) => tensors) };
}
