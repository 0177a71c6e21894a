// Scenarios side by side: the settings of each, as the engine completed them, and their figures.
import type { Answer, Bytes } from "../../engine/types";
import { isTree } from "../../state/paths";

export interface Row {
  id: string;
  /** One a column; absent where the column has none. */
  cells: (string | undefined)[];
  differs: boolean;
}
export interface FigureRow {
  id: string;
  cells: (Bytes | undefined)[];
  differs: boolean;
}

const unlike = (cells: unknown[]) => cells.some((cell) => cell !== cells[0]);

const passedOver = new Set(["detail"]);

/** Only settings in which they differ. */
export function settingRows(answers: Answer[]): Row[] {
  const columns = answers.map(({ scenario }) => leaves(scenario as unknown as Record<string, unknown>));
  const ids = [...new Set(columns.flatMap((column) => Object.keys(column)))].filter((id) => !passedOver.has(id));
  return ids.map((id) => ({ id, cells: columns.map((column) => column[id]), differs: true })).filter(({ cells }) => unlike(cells));
}

/** The device that is worst off, part by part. */
export function figureRows(answers: Answer[]): FigureRow[] {
  const ids = [...new Set(answers.flatMap(({ devices: [{ components }] }) => components.filter(({ bytes }) => bytes > 0).map(({ id }) => id)))];
  const rows = ids.map((id) => ({ id, cells: answers.map(({ devices: [{ components }] }) => components.find((part) => part.id === id)?.bytes) }));
  const whole = [
    { id: "process", cells: answers.map(({ devices: [{ processBytes }] }) => processBytes.expected as Bytes | undefined) },
    { id: "usable", cells: answers.map(({ devices: [{ usableBytes }] }) => usableBytes) },
  ];
  return [...whole, ...rows].map((row) => ({ ...row, differs: unlike(row.cells) }));
}

function leaves(tree: Record<string, unknown>, at = ""): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tree).flatMap(([name, value]): [string, string][] => {
      const path = at ? `${at}.${name}` : name;
      if (path === "model.config" || path === "model.gguf") return [[path, String((value as { model_type?: unknown })?.model_type ?? name)]];
      if (isTree(value)) return Object.entries(leaves(value, path));
      return [[path, Array.isArray(value) ? value.join(", ") : String(value)]];
    }),
  );
}
