import type { Axis } from "../../sweep/axes";
import { sweepCsv } from "../../sweep/csv";
import type { Outcome } from "../../sweep/figures";
import { saveFile } from "../Export/file";

export function sweepFile(axes: Axis[], outcomes: Outcome[]): void {
  saveFile(new Blob([sweepCsv(axes, outcomes)], { type: "text/csv;charset=utf-8" }), "gpumem-sweep.csv");
}
