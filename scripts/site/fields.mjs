// Every field of a scenario as a page: what the core's readers say of themselves.

const code = (value) => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

/** The range as people write it; nothing where any number is taken. */
export function rangeOf({ words, least, most, unit }) {
  if (words) return words.map(code).join(", ");
  const bounds = least === undefined && most === undefined ? "" : `${least ?? "…"} to ${most ?? "…"}`;
  return [bounds, unit ?? ""].filter(Boolean).join(" ");
}

export function fieldsMarkdown(fields) {
  const parts = new Map();
  for (const field of fields) {
    const part = field.path.includes(".") ? field.path.split(".")[0] : "the scenario itself";
    parts.set(part, [...(parts.get(part) ?? []), field]);
  }
  return [
    "# Every field of a scenario",
    "",
    "As the core's readers say it (`describe()` of the library). Where engines read a field in different ways, it has a row for each.",
    "Defaults are those of the first model of the catalog that the engine answers for; `describe(scenario)` tells them for yours.",
    "",
    ...[...parts].flatMap(([part, rows]) => [`## ${part}`, "", "| field | kind | default | values | engines |", "|---|---|---|---|---|", ...rows.map(row), ""]),
  ].join("\n");
}

const row = (field) =>
  `| ${[code(field.path), field.kind, field.default === undefined ? "" : code(field.default), rangeOf(field), field.engines.join(", ")].join(" | ")} |`;
