// The pages of the documentation, in the order in which they are listed: {name, title, group, markdown or html}.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/run.mjs";
import { fieldsMarkdown } from "./fields.mjs";
import { mechanismPages } from "./mechanisms.mjs";

/** Written by hand or by a command, in docs/. */
const written = [
  ["index", "Overview", "Start"],
  ["how", "How it is computed", "How"],
  ["nvidia-smi", "Why nvidia-smi shows another figure", "How"],
  ["rules-of-thumb", "What the rules of thumb get wrong", "How"],
  ["accuracy", "Accuracy", "How sure"],
  ["published", "Published runs", "How sure"],
  ["examples", "Worked examples", "How sure"],
  ["peers", "Other calculators", "How sure"],
  ["proof", "How it is tested", "How sure"],
  ["fuzzing", "Hostile input", "How sure"],
  ["mutants", "Mutants", "How sure"],
  ["scenario", "Scenario and estimate", "Use"],
  ["embedding", "In other pages", "Use"],
  ["automation", "In continuous integration", "Use"],
  ["measuring", "Measure a run of your own", "Use"],
  ["supported", "What is supported", "Lists"],
  ["licences", "Licences", "Lists"],
];

/** `fields` are those of `describe()`, `sources` the bibliography of the catalog. */
export function pages({ fields, sources }) {
  const own = written.map(([name, title, group]) => ({ name, title, group, markdown: readFileSync(join(root, "docs", `${name}.md`), "utf8") }));
  const made = { name: "fields", title: "Every field of a scenario", group: "Lists", markdown: fieldsMarkdown(fields) };
  return [...own, made, ...mechanismPages(sources)];
}
