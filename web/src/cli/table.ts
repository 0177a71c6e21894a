// An estimate as a table for people.
import type { Answer, Bytes, Device, Rates } from "../engine/types";
import { plain, sizeText, type Unit } from "../format/bytes";
import { grouped, rateText, shortCountText } from "../format/counts";
import { columns, printable } from "./columns";

const sized = (bytes: Bytes, unit: Unit) => plain(sizeText(bytes, unit, 2));

export function table(answer: Answer, unit: Unit): string {
  const sections = [
    [heading(answer), ...answer.devices.map((device) => verdict(device, answer.devices.length, unit))],
    ...answer.devices.map((device) => deviceLines(device, unit)),
    factLines(answer, unit),
    rateLines(answer),
    quickLines(answer, unit),
    assumptionLines(answer),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${printable(line)}\n`).join(""))
    .join("\n");
}

function heading({ scenario }: Answer): string {
  const { id, parameters, config } = scenario.model;
  const type = typeof config?.model_type === "string" ? config.model_type : "config.json";
  const name = id ?? (parameters === undefined ? type : `${shortCountText(parameters)} parameters`);
  return `${name}, ${scenario.task} with ${scenario.engine?.name}, weights in ${scenario.weights}`;
}

/** What `fits` says is about the expected value; where the band crosses the limit, the sentence says so. */
function verdict({ role, processBytes, usableBytes, fits, headroomBytes = 0 }: Device, devices: number, unit: Unit): string {
  const where = devices > 1 ? `${role}: ` : "";
  const size = (bytes: number) => sized(bytes, unit);
  if (fits === undefined || usableBytes === undefined)
    return `${where}Needs ${size(processBytes.expected)} on the card (${size(processBytes.low)} to ${size(processBytes.high)}).`;
  const crosses = fits ? processBytes.high > usableBytes : processBytes.low <= usableBytes;
  const words = `${crosses ? "probably " : ""}${fits ? "fits" : "does not fit"}`;
  const left = fits ? `${size(headroomBytes)} to spare` : `${size(Math.abs(headroomBytes))} too much`;
  return `${where}It ${words}: ${size(processBytes.expected)} of ${size(usableBytes)} usable, ${left}.`;
}

function deviceLines(device: Device, unit: Unit): string[] {
  const { role, count, components, allocatedBytes, reservedBytes, processBytes, overheads, peakPhase } = device;
  const size = (bytes: number) => sized(bytes, unit);
  const parts = components.filter(({ bytes }) => bytes !== 0).map(({ id, bytes }) => [`  ${id}`, size(bytes)]);
  const bands = [
    { id: "reserved by the allocator", ...reservedBytes },
    { id: "process, as nvidia-smi shows it", ...processBytes },
    ...overheads.map((overhead) => ({ ...overhead, id: `  of which ${overhead.id}` })),
  ];
  return [
    `At the peak (${peakPhase}) on ${count} × ${role}`,
    ...columns([...parts, ["  allocated", size(allocatedBytes)]], [1]),
    "",
    ...columns([["", "low", "expected", "high"], ...bands.map((b) => [`  ${b.id}`, size(b.low), size(b.expected), size(b.high)])], [1, 2, 3]),
  ];
}

function factLines({ parameters, modelFile, kvCache, scenario }: Answer, unit: Unit): string[] {
  const rows = [
    ["Parameters", `${grouped(parameters.total)} (${shortCountText(parameters.total)})`],
    ["Model file", `${sized(modelFile.tensorBytes, unit)}, ${modelFile.bitsPerWeight} bits per weight`],
  ];
  if (kvCache && scenario.task === "inference")
    rows.push(["KV cache", `${sized(kvCache.bytesPerToken, unit)} a token, ${sized(kvCache.bytesPerSequence, unit)} a sequence`]);
  return columns(rows);
}

function quickLines({ quickEstimate }: Answer, unit: Unit): string[] {
  const { bytes, formula, steps, asPublished } = quickEstimate;
  const lines = [
    `Rule of thumb: ${sized(bytes, unit)} (${formula})`,
    ...columns(steps.map((step) => [`  ${step.id}`, sized(step.bytes, unit)]), [1]),
  ];
  if (asPublished) lines.push(`  published as ${sized(asPublished.bytes, unit)}: ${asPublished.note}`);
  return lines;
}

function rateLines({ throughput }: Answer): string[] {
  if (!throughput) return [];
  const row = (name: string, of?: Rates) => (of ? [[`  ${name}`, rateText(of.low), rateText(of.expected), rateText(of.high)]] : []);
  return [
    "Tokens a second (roofline with assumed shares, not measured)",
    ...columns([["", "low", "expected", "high"], ...row("answer", throughput.decodeTokensPerSecond), ...row("prompt", throughput.prefillTokensPerSecond)], [1, 2, 3]),
  ];
}

function assumptionLines({ assumptions }: Answer): string[] {
  return assumptions.length === 0 ? [] : ["Assumptions", ...assumptions.map(({ message }) => `  ${message}`)];
}
