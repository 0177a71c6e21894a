// The header of a GGUF file: metadata, then the table of tensors. Vocabularies are passed over: no size depends on their words.
// Source: ggml/docs/gguf.md, ggml/include/ggml.h
import { Cursor, type Source, textOf, Unreadable } from "./source";

export interface GgufFacts {
  metadata: Record<string, unknown>;
  tensors: { name: string; type: string; shape: number[] }[];
}

const longestHeader = 256_000_000;
const longestText = 65_536;
const mostKept = 4096;
const mostTensors = 100_000;
const mostEntries = 100_000;

const types: Record<number, string> = {
  0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K",
  16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
  29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4", 41: "Q1_0", 42: "Q2_0",
};

type Read = (view: DataView) => number | boolean;
const scalars: Record<number, [bytes: number, read: Read]> = {
  0: [1, (v) => v.getUint8(0)], 1: [1, (v) => v.getInt8(0)], 2: [2, (v) => v.getUint16(0, true)], 3: [2, (v) => v.getInt16(0, true)], 4: [4, (v) => v.getUint32(0, true)],
  5: [4, (v) => v.getInt32(0, true)], 6: [4, (v) => v.getFloat32(0, true)], 7: [1, (v) => v.getUint8(0) !== 0], 10: [8, (v) => Number(v.getBigUint64(0, true))],
  11: [8, (v) => Number(v.getBigInt64(0, true))], 12: [8, (v) => v.getFloat64(0, true)],
};
const [textType, listType] = [8, 9];

export async function readGguf(source: Source): Promise<GgufFacts> {
  const cursor = new Cursor(source, longestHeader);
  const { name } = source;
  await cursor.need(24);
  if (textOf(cursor.view(4)) !== "GGUF") throw new Unreadable(`${name} is no GGUF file: it does not begin with "GGUF".`);
  const version = cursor.view(4).getUint32(0, true);
  if (version > 0xffff) throw new Unreadable(`${name} is a GGUF file for big-endian machines, which is not read.`);
  if (version < 2 || version > 3) throw new Unreadable(`${name} is a GGUF file of version ${version}; versions 2 and 3 are read.`);
  const reader = new Reader(cursor, name);
  const [tensorCount, entries] = [await reader.long(), await reader.long()];
  if (tensorCount > mostTensors || entries > mostEntries) throw new Unreadable(`${name} says that it has ${tensorCount} tensors and ${entries} entries of metadata, which no model has.`);
  const metadata: Record<string, unknown> = {};
  for (let i = 0; i < entries; i++) {
    const key = await reader.text();
    const value = await reader.value(await reader.int(), key.startsWith("tokenizer."));
    if (value !== undefined && !key.startsWith("tokenizer.")) metadata[key] = value;
  }
  const tensors: GgufFacts["tensors"] = [];
  for (let i = 0; i < tensorCount; i++) tensors.push(await reader.tensor());
  return { metadata, tensors };
}

class Reader {
  constructor(private readonly cursor: Cursor, private readonly name: string) {}

  private async take(count: number): Promise<DataView> {
    const waiting = this.cursor.need(count);
    if (waiting) await waiting;
    return this.cursor.view(count);
  }
  int = async () => (await this.take(4)).getUint32(0, true);
  long = async () => Number((await this.take(8)).getBigUint64(0, true));

  async text(): Promise<string> {
    const length = await this.long();
    if (length > longestText) throw this.malformed();
    return textOf(await this.take(length));
  }

  /** Undefined for what is passed over: texts that are long, and lists of texts. */
  async value(type: number, unneeded: boolean): Promise<unknown> {
    if (type === textType) {
      const length = await this.long();
      if (!unneeded && length <= 200) return textOf(await this.take(length));
      this.cursor.skip(length);
      return undefined;
    }
    if (type === listType) return this.list(unneeded);
    const [bytes, read] = this.scalar(type);
    return read(await this.take(bytes));
  }

  private async list(unneeded: boolean): Promise<unknown> {
    const [type, length] = [await this.int(), await this.long()];
    if (type === listType) throw this.malformed();
    if (type === textType) return this.passTexts(length);
    const [bytes, read] = this.scalar(type);
    if (unneeded || length > mostKept) return this.cursor.skip(length * bytes);
    const values: unknown[] = [];
    for (let i = 0; i < length; i++) values.push(read(await this.take(bytes)));
    return values;
  }

  /** Hundreds of thousands of words: nothing is awaited while they are at hand. */
  private async passTexts(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      if (this.cursor.left < 8) await this.cursor.need(8);
      this.cursor.skip(Number(this.cursor.view(8).getBigUint64(0, true)));
    }
  }

  async tensor(): Promise<GgufFacts["tensors"][number]> {
    const name = await this.text();
    const rank = await this.int();
    if (rank < 1 || rank > 4) throw this.malformed();
    const shape: number[] = [];
    for (let i = 0; i < rank; i++) shape.push(await this.long());
    if (!shape.every(Number.isSafeInteger)) throw this.malformed();
    const number = await this.int();
    await this.long();   // where it lies
    const type = types[number];
    if (!type) throw new Unreadable(`${this.name}: ${name.slice(0, 80)} is of ggml's type ${number}, which is not known here.`);
    return { name, type, shape };
  }

  private scalar(type: number): [number, Read] {
    const known = scalars[type];
    if (!known) throw this.malformed();
    return known;
  }
  private malformed = () => new Unreadable(`${this.name}: the header is damaged at byte ${this.cursor.at}.`);
}
