// The only place where bytes become text.
import type { Bytes } from "../engine/types";
import { grouped } from "./counts";

export type Unit = "GiB" | "GB";

const scales = {
  GiB: { base: 1024, names: ["B", "KiB", "MiB", "GiB"] },
  GB: { base: 1000, names: ["B", "kB", "MB", "GB"] },
};

const minus = "\u2212";

/** "17.9 GiB"; what would be less than half of the last digit goes to a smaller unit. */
export function sizeText(bytes: Bytes, unit: Unit, digits = 1): string {
  const { base, names } = scales[unit];
  const size = Math.abs(bytes);
  let step = names.length - 1;
  while (step > 0 && size / base ** step < (step === 3 ? 10 ** -digits : 1)) step--;
  const shown = (size / base ** step).toFixed(step === 0 ? 0 : step === 3 ? digits : 1);
  return `${bytes < 0 ? minus : ""}${shown}\u00a0${names[step]}`;
}

/** The number alone, in the large unit: "17.9"; a little is never shown as nothing. */
export function sizeNumber(bytes: Bytes, unit: Unit, digits = 1): string {
  if (bytes > 0 && bytes / scales[unit].base ** 3 < 0.5 * 10 ** -digits) return `<\u2009${10 ** -digits}`;
  return (bytes / scales[unit].base ** 3).toFixed(digits).replace("-", minus);
}

/** "−30.1 GiB", "+0.2 GiB", or "±0" where nothing changes. */
export function changeText(bytes: Bytes, unit: Unit): string {
  if (bytes === 0) return "±0";
  return bytes > 0 ? `+${sizeText(bytes, unit)}` : sizeText(bytes, unit);
}

export const rangeText = (low: Bytes, high: Bytes, unit: Unit, digits = 1) =>
  `${sizeNumber(low, unit, digits)}\u2009…\u2009${sizeNumber(high, unit, digits)}\u00a0${unit}`;

/** The same for a terminal: spaces and minus as a keyboard has them. */
export const plain = (text: string) => text.replace(/[\u00a0\u2009]/g, " ").replaceAll(minus, "-");

export const exactText = (bytes: Bytes) => `${grouped(bytes)} B`;

/** Round positions for an axis up to `most`, about `wanted` of them. */
export function axisTicks(most: Bytes, unit: Unit, wanted = 4): Bytes[] {
  const whole = scales[unit].base ** 3;
  const raw = most / whole / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw) ?? raw;
  const ticks = [];
  for (let at = 0; at * whole <= most; at += step) ticks.push(at * whole);
  return ticks;
}

/** What a log or a command writes as a number and one of these units. */
export const bytesOf = (value: number, unit: "MiB" | "GiB"): Bytes => Math.round(value * scales.GiB.base ** scales.GiB.names.indexOf(unit));
