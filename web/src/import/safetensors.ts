// The header of a safetensors file: eight bytes with its length, then JSON with every tensor's dtype, shape and place.
// Source: safetensors/src/tensor.rs
import { Cursor, type Source, textOf, Unreadable } from "./source";

export type StoredHeader = Record<string, { dtype: string; shape: number[] }>;

/** What the format itself allows is 100 MB; the largest known has 12. */
const longestHeader = 32_000_000;
const mostTensors = 200_000;
const bits: Record<string, number> = { F64: 64, I64: 64, U64: 64, C64: 64, F32: 32, I32: 32, U32: 32, F16: 16, BF16: 16, I16: 16, U16: 16 };
const widthOf = (dtype: string) => bits[dtype] ?? (/^F4/.test(dtype) ? 4 : /^F6/.test(dtype) ? 6 : 8);

export async function readSafetensors(source: Source): Promise<StoredHeader> {
  const { name } = source;
  const cursor = new Cursor(source, longestHeader);
  await cursor.need(8);
  const length = Number(cursor.view(8).getBigUint64(0, true));
  if (length < 2 || length > 100_000_000) throw new Unreadable(`${name} is no safetensors file: it does not begin with the length of a header.`);
  await cursor.need(length);
  const header = parsed(textOf(cursor.view(length)), name);
  const room = (source.size ?? Infinity) - 8 - length;
  const tensors: StoredHeader = {};
  let count = 0;
  for (const [tensor, row] of Object.entries(header)) {
    if (tensor === "__metadata__") continue;
    if (++count > mostTensors) throw new Unreadable(`${name} names more than ${mostTensors} tensors.`);
    tensors[tensor] = checked(tensor, row, room, name);
  }
  return tensors;
}

function parsed(text: string, name: string): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(text);
    if (typeof header === "object" && header !== null && !Array.isArray(header)) return header as Record<string, unknown>;
  } catch {
    // Said below, as for any other text.
  }
  throw new Unreadable(`${name} is no safetensors file: its header is not JSON.`);
}

function checked(tensor: string, row: unknown, room: number, name: string): StoredHeader[string] {
  const { dtype, shape, data_offsets: place } = (row ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  const counts = (list: unknown): list is number[] => Array.isArray(list) && list.every((one) => Number.isSafeInteger(one) && one >= 0);
  const shown = tensor.slice(0, 80);
  if (typeof dtype !== "string" || !counts(shape) || shape.length > 8 || !counts(place) || place.length !== 2)
    throw new Unreadable(`${name}: the header's row of ${shown} has no dtype, shape and data_offsets.`);
  const [begin, end] = place;
  if (end - begin !== Math.ceil((shape.reduce((product, extent) => product * extent, 1) * widthOf(dtype)) / 8))
    throw new Unreadable(`${name}: the header says that ${shown} takes ${end - begin} bytes, which is not what its dtype and shape take.`);
  if (end > room) throw new Unreadable(`${name} is cut off, or its header lies: ${shown} would end behind the file.`);
  return { dtype, shape };
}
