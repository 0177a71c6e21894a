// What the core's comments say of each program: a page a folder, a part a file, a row a rule with its source; the program itself beside it.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/run.mjs";
import { escaped, slug } from "./markdown.mjs";

const folders = [
  ["operations", "Operations", "core/src/machine/ops", "What each operation makes, what it saves for backward, and what its backward makes. A step of a model is a list of these."],
  ["layers", "Layers", "core/src/layers", "Each mechanism as the program that the framework runs, operation by operation."],
  ["training", "Training", "core/src/training", "The order of a step: losses, optimizers, buckets of gradients."],
  ["sharding", "Many GPUs", "core/src/placement", "What a rank holds, gathers and sends: every division by a number of ranks is here."],
  ["engines", "Engines", "core/src/engines", "What an engine reserves before the first request, and what a pass takes."],
  ["stored-weights", "Stored weights", "core/src/quantization", "Which tensor has which format in a file or in memory."],
];

export function mechanismPages(sources) {
  return folders.map(([name, title, folder, about]) => ({ name: `core-${name}`, title, group: "The programs", html: pageOf({ title, folder, about }, sources) }));
}

function pageOf({ title, folder, about }, sources) {
  const files = readdirSync(join(root, folder), { recursive: true }).filter((file) => file.endsWith(".cpp")).sort();
  const parts = files.map((file) => partOf(file, readFileSync(join(root, folder, file), "utf8"), sources));
  return `<h1>${title}</h1>\n<p>${escaped(about)} Taken from the comments of <code>${folder}</code>.</p>\n${parts.join("\n")}`;
}

function partOf(file, text, sources) {
  const name = file.replace(/\.cpp$/, "").replaceAll("_", " ");
  const { about, rules } = commentsOf(text);
  const rows = rules.map(({ subject, comment }) => `<dt><code>${escaped(subject)}</code></dt><dd>${cited(comment, sources)}</dd>`).join("\n");
  return [
    `<h2 id="${slug(name)}">${escaped(name)}</h2>`,
    about && `<p>${cited(about, sources)}</p>`,
    rows && `<dl>${rows}</dl>`,
    `<details><summary>The program</summary><pre tabindex="0"><code>${escaped(text.replace(/^#include.*\n/gm, "").trim())}</code></pre></details>`,
  ].filter(Boolean).join("\n");
}

/** {about, rules: [{subject, comment}]}: the comment at the head of a file, and each `///` with the name of what it is written above. */
export function commentsOf(text) {
  const lines = text.split("\n");
  const head = [];
  while (lines[head.length]?.startsWith("//")) head.push(lines[head.length].replace(/^\/\/+ ?/, ""));
  const rules = [];
  let comment = [];
  for (const line of lines.slice(head.length)) {
    const said = /^\s*\/\/\/ ?(.*)$/.exec(line);
    if (said) comment.push(said[1]);
    else {
      const subject = /([A-Za-z_]\w*(?:::\w+)*)\s*[({=;]/.exec(line)?.[1];
      if (comment.length > 0 && subject && !/^(if|for|return|while)$/.test(subject)) rules.push({ subject, comment: comment.join(" ") });
      comment = [];
    }
  }
  return { about: head.join(" "), rules };
}

/** Keys of the bibliography become links to what they stand for. */
function cited(text, sources) {
  return escaped(text).replace(/\[([a-z0-9.-]+)\]/g, (whole, key) => {
    const source = sources[key];
    return source && /^https:/.test(source.url) ? `<a href="${escaped(source.url)}" title="${escaped(source.title)}">${key}</a>` : whole;
  });
}
