// Bytes as text for a terminal. Decimal (GB) and binary (GiB) are different sizes, so the unit is always written.
import type { Bytes } from "../engine/types";

export type Units = "gb" | "gib";

const families: Record<Units, { base: number; names: string[] }> = {
  gb: { base: 1000, names: ["B", "kB", "MB", "GB"] },
  gib: { base: 1024, names: ["B", "KiB", "MiB", "GiB"] },
};

/** "15.00 GiB": giga for whatever has a tenth of it, so that rows compare at a glance; a smaller unit below. */
export function bytesText(bytes: Bytes, units: Units): string {
  const { base, names } = families[units];
  const size = Math.abs(bytes);
  const largest = names.length - 1;
  let power = largest;
  while (power > 0 && size < base ** power / (power === largest ? 10 : 1)) power--;
  const text = power === 0 ? String(Math.round(size)) : (size / base ** power).toFixed(2);
  return `${bytes < 0 ? "-" : ""}${grouped(text)} ${names[power]}`;
}

/** "8,030,261,248", whatever the machine's language. */
export function countText(count: number): string {
  return grouped(String(count));
}

/** "8.03B", as model names have it. */
export function shortCountText(count: number): string {
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 }).format(count);
}

const grouped = (text: string) => text.replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ",");
