// docs/examples.md: published runs as scenarios of docs/examples/, answered by the engine.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/run.mjs";

const folder = join(root, "docs/examples");
const units = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** [{title, about, source, url, runs: [{name, scenario, published?}]}] */
export const readExamples = () => readdirSync(folder).sort().map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")));

const bytesOf = (size) => (typeof size === "number" ? size : Number(size.split(" ")[0]) * units[size.split(" ")[1]]);
const GiB = (bytes) => (bytes / 2 ** 30).toFixed(2);
const valueOf = (device, quantity) => (quantity === "allocatedBytes" ? device[quantity] : device[quantity].expected);

/** The page's text; `estimate` answers a scenario with an object. */
export function examplesPage(estimate) {
  return [
    "# Worked examples",
    "",
    "Written by `npm run docs` from the scenarios in `docs/examples`; do not edit. Each is a run that others published, with what they said of it.",
    "No figure was fitted to any of them, and what is refused is said so. More of this kind stands in [Published runs](published.md).",
    "",
    ...readExamples().flatMap((example) => partOf(example, estimate)),
  ].join("\n");
}

function partOf({ title, about, source, url, runs }, estimate) {
  const answers = runs.map((run) => ({ ...run, answer: estimate(run.scenario) }));
  const compared = runs.some(({ published }) => published);
  return [`## ${title}`, "", `${about} Source: [${source}](${url}).`, "", ...(compared ? comparedTable(answers) : plainTable(answers)), ""];
}

const link = ({ name, scenario }) => `[${name}](../#scenario=${encodeURIComponent(JSON.stringify(scenario)).replace(/[()]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)})`;
const refusal = ({ issues }) => `refused: ${issues.map(({ path, message }) => `\`${path}\` ${message.replaceAll("|", "\\|")}`).join("; ")}`;

function comparedTable(answers) {
  const rows = answers.flatMap(({ published, answer, ...run }) =>
    Object.entries(published).map(([quantity, theirs]) => {
      const head = [link(run), quantity.replace("Bytes", ""), GiB(bytesOf(theirs))];
      if (!answer.ok) return [...head, refusal(answer), "–"];
      const ours = valueOf(answer.devices[0], quantity), off = (ours / bytesOf(theirs) - 1) * 100;
      return [...head, GiB(ours), `${off < 0 ? "−" : "+"}${Math.abs(off).toFixed(1)} %`];
    }),
  );
  return table(["run", "quantity", "published, GiB", "answered, GiB", "off by"], "|---|---|---:|---:|---:|", rows);
}

function plainTable(answers) {
  const pools = answers.some(({ answer }) => answer.kvCache?.tokensThatFit > 0);
  const rows = answers.map(({ answer, ...run }) => {
    if (!answer.ok) return [link(run), refusal(answer), "–", "–", "–", "–"];
    const [device] = answer.devices;
    const verdict = device.fits === undefined ? "" : device.fits ? "yes" : "no";
    const role = answer.devices.length > 1 ? `${device.role}, ${device.peakPhase}` : device.peakPhase;
    return [link(run), role, GiB(device.allocatedBytes), GiB(device.reservedBytes.expected), GiB(device.processBytes.expected), verdict, ...(pools ? [answer.kvCache.tokensThatFit.toLocaleString("en")] : [])];
  });
  const head = ["run", "fullest device, peak", "allocated, GiB", "reserved", "process", "fits"];
  return pools ? table([...head, "tokens that fit"], "|---|---|---:|---:|---:|---|---:|", rows) : table(head, "|---|---|---:|---:|---:|---|", rows);
}

const table = (head, rule, rows) => [`| ${head.join(" | ")} |`, rule, ...rows.map((row) => `| ${row.join(" | ")} |`)];
