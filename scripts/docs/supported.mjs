// docs/supported.md: what the catalog and the built engine know.

/** The page's text. `types` are the model types that have a program of their own. */
export function supported({ models, gpus, formats, quantizations, optimizers, architectures, sources }, types) {
  const programs = new Set(types);
  const counted = Object.keys(architectures).filter((type) => !programs.has(type) && type === type.toLowerCase());
  const source = (key) => `[${sources[key].title}](${sources[key].url})`;
  return [
    "# What is supported",
    "",
    "Written by `npm run docs`; do not edit.",
    "",
    "## Architectures with a program",
    "",
    `Weights, cache, activations and training, moment by moment; ${programs.size} model types. Source of each: the family's modelling code in ${source("transformers")}.`,
    "",
    list([...programs].sort()),
    "",
    "## Architectures with exact weights",
    "",
    `Every tensor's shape from the configuration, and what is kept of past tokens where its fields say so; how the model runs is not known. ${counted.length} model types. Source: ${source("transformers")}.`,
    "",
    list(counted),
    "",
    ...table("Models", ["model", "type", "parameters", "source"], models, (id, row) => [
      id, row.config.model_type ?? row.config._class_name ?? "", row.parameters.toLocaleString("en"), source(row.source)]),
    ...table("Accelerators", ["id", "name", "memory", "sources"], gpus, (id, row) => [id, row.name, row.memory, row.sources.map(source).join(", ")]),
    ...table("How weights are stored", ["id", "source"], quantizations, (id, row) => [id, source(row.source)]),
    ...table("Number formats", ["id", "numbers in a block", "bytes of a block", "source"], formats, (id, row) => [id, row.blockElements, row.blockBytes, source(row.source)]),
    ...table("Optimizers", ["id", "name", "source"], optimizers, (id, row) => [id, row.name, source(row.source)]),
  ].join("\n");
}

const list = (words) => words.map((word) => `\`${word}\``).join(", ");

function table(title, head, rows, cells) {
  const line = (values) => `| ${values.join(" | ")} |`;
  return [`## ${title}`, "", line(head), line(head.map(() => "---")), ...Object.entries(rows).map(([id, row]) => line(cells(id, row))), ""];
}
