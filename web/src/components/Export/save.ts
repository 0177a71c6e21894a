// What is on screen as files. Nothing leaves the machine: the browser stores what the page made.
import type { Answer } from "../../engine/types";
import type { Unit } from "../../format/bytes";
import { chart, width } from "./chart";
import { csv } from "./csv";
import { saveFile } from "./file";
import { markdown } from "./markdown";
import { modelName } from "./title";

export type Kind = "svg" | "png" | "csv" | "md" | "json";

const kinds = { svg: "image/svg+xml", csv: "text/csv", md: "text/markdown", json: "application/json" };
const sharpness = 2;

export async function save(kind: Kind, answer: Answer, unit: Unit): Promise<void> {
  const blob = kind === "png" ? await picture(answer, unit) : new Blob([textOf(kind, answer, unit)], { type: `${kinds[kind]};charset=utf-8` });
  saveFile(blob, `gpumem-${modelName(answer).replace(/[^\w.-]+/g, "-").slice(0, 60)}-${answer.scenario.task}.${kind}`);
}

function textOf(kind: Exclude<Kind, "png">, answer: Answer, unit: Unit): string {
  if (kind === "svg") return chart(answer, unit, colour).svg;
  if (kind === "csv") return csv(answer);
  return kind === "md" ? `${markdown(answer, unit)}\n` : `${JSON.stringify(answer, null, 2)}\n`;
}

/** A part's colour, as the page's styles have it. */
function colour(id: string): string {
  const sample = document.createElement("i");
  sample.className = `c-${id}`;
  sample.hidden = true;
  document.body.append(sample);
  const own = getComputedStyle(sample).getPropertyValue("--own").trim();
  sample.remove();
  return /^#[\da-f]{3,8}$/i.test(own) ? own : "#8f9299";
}

async function picture(answer: Answer, unit: Unit): Promise<Blob> {
  const { svg, height } = chart(answer, unit, colour);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width * sharpness;
  canvas.height = height * sharpness;
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((settle, fail) => canvas.toBlob((blob) => (blob ? settle(blob) : fail(new Error("no picture"))), "image/png"));
}
