// Texts of plans: cards, models and layouts.
import { grouped } from "../format/counts";

export const gpus = "GPUs";
export const gpusHint = (most: number) => `1 to ${most}`;
export const layout = "Layout";
export const needs = "Each needs";
export const again = "Computed again";
export const copies = "Copies";
export const holds = "Tokens in all";
export const use = "use";
export const useOf = (layout: string) => `use ${layout}`;
export const order = "Every way that is computed was asked; shown is what fits. First comes what computes least again, then what spreads a copy of the model over the fewest GPUs, then what leaves most room.";
export const none = "No way that is computed fits on so many of these.";
export const noLimit = "With a card or a size chosen, this says how to spread the model over several of them.";
export const single = "the whole model on each";
export const recomputed: Record<string, string> = { none: "nothing", selective: "attention", full: "every layer" };
export const searches = "In the catalog";
export const card = "Smallest card that is enough";
export const model = "Largest model with these settings";
export const noCard = "none";
export const room = (size: string) => `${size} left`;

/** What a degree splits, and what that asks of the links between GPUs. */
const splits: Record<string, (degree: number) => string> = {
  tensor: (n) => `each layer over ${n} GPUs, which need fast links`,
  pipeline: (n) => `layers in ${n} stages, which wait for each other`,
  context: (n) => `each sequence over ${n} GPUs`,
  expert: (n) => `experts over ${n} GPUs`,
  shardGroup: (n) => `shards within groups of ${n}`,
};
const sharded = ["", "optimizer states sharded", "gradients and optimizer states sharded", "parameters, gradients and optimizer states sharded"];
const names: Record<string, string> = { tensor: "tensor", pipeline: "pipeline", context: "context", expert: "expert", data: "data", zero: "ZeRO", shardGroup: "groups of" };

/** "tensor 8, pipeline 2". */
export const degreesText = (degrees: Record<string, number>) =>
  Object.entries(degrees).flatMap(([name, degree]) => (degree > 0 ? [`${names[name] ?? name} ${grouped(degree)}`] : [])).join(", ");

export function explained(degrees: Record<string, number>): string {
  const said = Object.entries(degrees).flatMap(([name, degree]) => splits[name]?.(degree) ?? []);
  const text = [...said, sharded[degrees.zero ?? 0]].filter(Boolean).join("; ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
