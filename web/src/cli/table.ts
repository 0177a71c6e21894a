// An estimate as a table for people.
import type { Answer, Device } from "../engine/types";
import { bytesText, countText, shortCountText, type Units } from "../format/text_bytes";
import { columns, printable } from "./columns";

export function table(answer: Answer, units: Units): string {
  const sections = [
    [heading(answer), ...answer.devices.map((device) => verdict(device, answer.devices.length, units))],
    ...answer.devices.map((device) => deviceLines(device, units)),
    factLines(answer, units),
    quickLines(answer, units),
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
function verdict({ role, processBytes, usableBytes, fits, headroomBytes = 0 }: Device, devices: number, units: Units): string {
  const where = devices > 1 ? `${role}: ` : "";
  const size = (bytes: number) => bytesText(bytes, units);
  if (fits === undefined || usableBytes === undefined)
    return `${where}Needs ${size(processBytes.expected)} on the card (${size(processBytes.low)} to ${size(processBytes.high)}).`;
  const crosses = fits ? processBytes.high > usableBytes : processBytes.low <= usableBytes;
  const words = `${crosses ? "probably " : ""}${fits ? "fits" : "does not fit"}`;
  const left = fits ? `${size(headroomBytes)} to spare` : `${size(Math.abs(headroomBytes))} too much`;
  return `${where}It ${words}: ${size(processBytes.expected)} of ${size(usableBytes)} usable, ${left}.`;
}

function deviceLines(device: Device, units: Units): string[] {
  const { role, count, components, allocatedBytes, reservedBytes, processBytes, overheads, peakPhase } = device;
  const size = (bytes: number) => bytesText(bytes, units);
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

function factLines({ parameters, modelFile, kvCache, scenario }: Answer, units: Units): string[] {
  const rows = [
    ["Parameters", `${countText(parameters.total)} (${shortCountText(parameters.total)})`],
    ["Model file", `${bytesText(modelFile.tensorBytes, units)}, ${modelFile.bitsPerWeight} bits per weight`],
  ];
  if (kvCache && scenario.task === "inference")
    rows.push(["KV cache", `${bytesText(kvCache.bytesPerToken, units)} a token, ${bytesText(kvCache.bytesPerSequence, units)} a sequence`]);
  return columns(rows);
}

function quickLines({ quickEstimate }: Answer, units: Units): string[] {
  const { bytes, formula, steps, asPublished } = quickEstimate;
  const lines = [
    `Rule of thumb: ${bytesText(bytes, units)} (${formula})`,
    ...columns(steps.map((step) => [`  ${step.id}`, bytesText(step.bytes, units)]), [1]),
  ];
  if (asPublished) lines.push(`  published as ${bytesText(asPublished.bytes, units)}: ${asPublished.note}`);
  return lines;
}

function assumptionLines({ assumptions }: Answer): string[] {
  return assumptions.length === 0 ? [] : ["Assumptions", ...assumptions.map(({ message }) => `  ${message}`)];
}
