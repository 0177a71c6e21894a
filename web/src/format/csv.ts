// Rows as comma-separated values.

/** A cell that a spreadsheet would take for a formula gets a quotation mark in front. */
function cell(value: unknown): string {
  const text = String(value ?? "");
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csvText = (rows: unknown[][], end = "\n") => rows.map((row) => `${row.map(cell).join(",")}${end}`).join("");
