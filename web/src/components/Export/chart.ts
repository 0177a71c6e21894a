// The page's charts as one picture that stands alone: the bar of each kind of device and the course over time, with their legend.
import type { Answer, Device, Moment } from "../../engine/types";
import { sizeText, type Unit } from "../../format/bytes";
import * as details from "../../text/details";
import { deviceName } from "../../text/devices";
import { limit, overheads } from "../../text/en";
import { phaseNames, shortName } from "../../text/words";
import { mostOf } from "../Bar";
import { areas, runsOf } from "../Timeline/shape";
import { titleOf } from "./title";

export const width = 960;
const [margin, barHeight, plotHeight] = [24, 34, 180];
const inner = width - 2 * margin;

const escaped = (text: string) => text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`).replace(/[^\t\n\r -\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "");
const words = (x: number, y: number, text: string, more = "") => `<text x="${x.toFixed(1)}" y="${y}" ${more}>${escaped(text)}</text>`;
const box = (x: number, y: number, w: number, h: number, more: string) => `<rect x="${x.toFixed(2)}" y="${y}" width="${Math.max(0, w).toFixed(2)}" height="${h}" ${more}/>`;

/** `colour` says which one a part has on the page. */
export function chart(answer: Answer, unit: Unit, colour: (id: string) => string): { svg: string; height: number } {
  const parts = [words(margin, 34, titleOf(answer), 'font-size="17" font-weight="600"')];
  const scale = Math.max(...answer.devices.map(mostOf));
  let y = 52;
  for (const device of answer.devices) {
    parts.push(...bar(device, y, scale, unit, colour, deviceName(device, answer.scenario.engine?.name)));
    y += barHeight + 44;
  }
  const moments = (answer.timeline ?? []).filter(({ phase }) => phase !== "");
  if (moments.length > 1) {
    parts.push(...course(moments, answer.devices[0], y, unit, colour));
    y += plotHeight + 60;
  }
  parts.push(...legend(answer, y, colour));
  const height = y + 28;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#1c1d1f">` +
    `<title>${escaped(titleOf(answer))}</title><rect width="100%" height="100%" fill="#fff"/>${parts.join("")}</svg>`;
  return { svg, height };
}

function bar(device: Device, y: number, scale: number, unit: Unit, colour: (id: string) => string, name: string): string[] {
  const { components, allocatedBytes, processBytes, usableBytes } = device;
  const along = (bytes: number) => (bytes / scale) * inner;
  const made = [words(margin, y + 12, `${name}: ${sizeText(processBytes.expected, unit)}`, 'font-weight="600"')];
  let x = margin;
  for (const { id, bytes } of components) {
    made.push(box(x, y + 18, along(bytes), barHeight, `fill="${colour(id)}"`));
    x += along(bytes);
  }
  made.push(box(x, y + 18, along(processBytes.low - allocatedBytes), barHeight, `fill="${colour("overhead")}"`));
  made.push(box(margin + along(processBytes.low), y + 18, along(processBytes.high - processBytes.low), barHeight, `fill="${colour("overhead")}" fill-opacity="0.4"`));
  if (usableBytes !== undefined) {
    const at = margin + along(usableBytes);
    made.push(`<path d="M${at.toFixed(1)} ${y + 12}v${barHeight + 12}" stroke="#1c1d1f" stroke-width="2"/>`);
    made.push(words(at - 6, y + 12, `${sizeText(usableBytes, unit)} ${limit}`, 'text-anchor="end"'));
  }
  return made;
}

function course(moments: Moment[], { components }: Device, y: number, unit: Unit, colour: (id: string) => string): string[] {
  const highest = moments.reduce((best, moment) => (moment.bytes > best.bytes ? moment : best));
  const top = highest.bytes * 1.08;
  const ids = components.map(({ id }) => id).filter((id) => moments.some((moment) => moment.components[id] > 0));
  const each = inner / moments.length;
  const made = [words(margin, y + 12, `${details.timeline}: ${details.atPeak} ${phaseNames[highest.phase]?.name ?? highest.phase}, ${highest.at}, ${sizeText(highest.bytes, unit, 2)}`, 'font-weight="600"')];
  made.push(`<g transform="translate(${margin} ${y + 20}) scale(${each.toFixed(6)} 1)">${areas(moments, ids, top, plotHeight).map(({ id, path }) => `<path fill="${colour(id)}" d="${path}"/>`).join("")}</g>`);
  let from = 0;
  for (const { phase, length } of runsOf(moments)) {
    const x = margin + from * each;
    made.push(`<path d="M${x.toFixed(1)} ${y + 20 + plotHeight}v5" stroke="#6f7279"/>`);
    if (length * each > 60) made.push(words(x + 3, y + plotHeight + 36, phaseNames[phase]?.name ?? phase, 'fill="#55585e"'));
    from += length;
  }
  return made;
}

function legend({ devices }: Answer, y: number, colour: (id: string) => string): string[] {
  const shown = [...new Set(devices.flatMap(({ components }) => components.filter(({ bytes }) => bytes > 0).map(({ id }) => id)))];
  let x = margin;
  return [...shown, "overhead"].map((id) => {
    const name = id === "overhead" ? overheads : shortName(id);
    const made = box(x, y, 10, 10, `fill="${colour(id)}"`) + words(x + 14, y + 9, name);
    x += 30 + name.length * 6.4;
    return made;
  });
}
