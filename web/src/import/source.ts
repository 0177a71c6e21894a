// A file that is read in parts, wherever it lies: on this machine or behind an address. Only its beginning is ever read.
import { plain, sizeText } from "../format/bytes";

export interface Source {
  name: string;
  /** Absent where it is not known before something was read. */
  size?: number;
  /** At most the bytes from `start` up to `end`; fewer where the file ends before. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** What is wrong with a file, as a sentence for people. */
export class Unreadable extends Error {}

export const fileSource = (file: File): Source => ({
  name: file.name,
  size: file.size,
  read: async (start, end) => new Uint8Array(await file.slice(start, end).arrayBuffer()),
});

const firstPart = 262_144;
const largestPart = 8_000_000;

/** Reads on and on from the beginning, in parts that grow, and never further than `most` bytes. */
export class Cursor {
  /** Of the whole file, where the next value begins. */
  at = 0;
  private part: DataView = new DataView(new ArrayBuffer(0));
  private from = 0;
  private step = firstPart;

  constructor(private readonly source: Source, private readonly most: number) {}

  /** Has so many bytes at hand; undefined where they already are, so that nobody waits for nothing. */
  need(count: number): Promise<void> | undefined {
    if (count <= this.from + this.part.byteLength - this.at) return undefined;
    return this.fetch(count);
  }

  private async fetch(count: number): Promise<void> {
    const { name, size = Infinity } = this.source;
    if (!(this.at + count <= size)) throw new Unreadable(`${name} is cut off, or its header lies: it says that more follows than the file has.`);
    if (!(this.at + count <= this.most)) throw new Unreadable(`The header of ${name} is larger than ${plain(sizeText(this.most, "GB", 0))}. No known model's is; nothing more was read.`);
    const bytes = await this.source.read(this.at, Math.min(this.at + Math.max(count, this.step), size, this.most));
    if (bytes.length < count) throw new Unreadable(`${name} is cut off: it ends within its header.`);
    this.part = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.from = this.at;
    this.step = Math.min(this.step * 2, largestPart);
  }

  /** The next bytes; they must be at hand. */
  view(count: number): DataView {
    const view = new DataView(this.part.buffer, this.part.byteOffset + this.at - this.from, count);
    this.at += count;
    return view;
  }

  /** Passes over bytes without having them. */
  skip(count: number): void {
    this.at += count;
  }

  get left(): number {
    return this.from + this.part.byteLength - this.at;
  }
}

export const textOf = (view: DataView) => new TextDecoder().decode(view);
