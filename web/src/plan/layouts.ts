// Ways to spread the scenario over so many GPUs. Which of them are computed, and which fit, is the engine's to say.
import { configOf } from "../engine/engine";
import type { Answer, Catalog, Scenario } from "../engine/types";
import { type Figures, outcomeOf } from "../sweep/figures";
import { merged } from "../state/paths";
import { hasExperts } from "../state/traits";
import { type Asking, briefly, fitsAll } from "./catalog_search";

export interface Layout {
  engine: string;
  /** A merge patch of the scenario. */
  change: Record<string, unknown>;
  degrees: Record<string, number>;
  /** Whole models side by side, each with its own share of the work. */
  copies: number;
  /** GPUs that compute one of them together. */
  spread: number;
  /** Training: how much of the forward pass is computed again. */
  again?: string;
}
export type Planned = Layout & Figures & {
  /** Of engines with a pool: tokens that all copies hold together. */
  tokens?: number;
};

export const mostGpus = 1024;
/** Shown, and enough to stop at. */
export const mostPlans = 10;
/** GPUs with fast links between all of them. */
const node = 8;

/** The least first: it is what costs time. */
const recomputation = ["none", "selective", "full"];

/** Engines among which a scenario of this one may choose without becoming another question. */
const kin: Record<string, string[]> = { torch: ["torch", "fsdp", "deepspeed"] };

/** Those that fit, the best first: least computed again, then the fewest GPUs for one copy, then most room. */
export function* layoutsFor(asked: Scenario, gpus: number, catalog: Catalog): Asking<Planned[]> {
  const now = yield briefly(alone(asked));
  const scenario = now.ok ? now.scenario : asked;
  const training = scenario.task === "training";
  const name = scenario.engine?.name ?? "";
  const found: Planned[] = [];
  for (const shape of shapesOf(kin[name] ?? [name], gpus, training, hasExperts(configOf(asked, catalog)))) {
    // What has to be split further costs more than any of these.
    if (found.filter(({ again, spread }) => (again ?? "none") === "none" && spread < shape.spread).length >= mostPlans) break;
    for (const again of training ? [...recomputation].reverse() : [undefined]) {
      const layout = again ? { ...shape, again, change: merged(shape.change, { training: { checkpointing: again } }) as Layout["change"] } : shape;
      const answer = yield briefly(merged(alone(asked), layout.change) as Scenario);
      const refusedWord = !answer.ok && answer.issues.every(({ path }) => path === "training.checkpointing");
      if (refusedWord) continue;
      // What does not fit with everything computed again does not fit with less of it.
      if (!answer.ok || !fitsAll(answer)) break;
      found.push({ ...layout, ...(outcomeOf(answer) as Figures), tokens: tokensOf(answer, layout.copies) });
    }
  }
  return bestOf(found).slice(0, mostPlans);
}

/** Without the layout that it has; so many GPUs as a layout needs are what it is asked with. */
export function alone({ parallel: _, ...scenario }: Scenario): Scenario {
  return { ...scenario, hardware: scenario.hardware && { ...scenario.hardware, count: undefined } };
}

const tokensOf = ({ kvCache }: Answer, copies: number) => (kvCache?.tokensThatFit === undefined ? undefined : kvCache.tokensThatFit * copies);

/** Of those that differ only in what is computed again, the least. */
function bestOf(found: Planned[]): Planned[] {
  const level = ({ again = "none" }: Planned) => recomputation.indexOf(again);
  const least = found.filter((one) => !found.some((other) => keyOf(other) === keyOf(one) && level(other) < level(one)));
  const room = ({ usable = 0, expected }: Planned) => usable - expected;
  return least.sort((a, b) => level(a) - level(b) || a.spread - b.spread || effort(a) - effort(b) || room(b) - room(a));
}

const keyOf = ({ engine, degrees }: Layout) => JSON.stringify([engine, degrees]);

/** Of those as wide: shards that are gathered again and again after those that are not. */
const effort = ({ degrees }: Layout) => (degrees.zero ?? 0) - (degrees.shardGroup ? 0.5 : 0);

/** Narrow ones first. */
function shapesOf(engines: string[], gpus: number, training: boolean, experts: boolean): Layout[] {
  const shapes = engines.flatMap((engine) => (training ? (engine === "megatron" ? megatronShapes(gpus, experts) : shardedShapes(engine, gpus)) : servingShapes(engine, gpus)));
  return shapes.sort((a, b) => a.spread - b.spread);
}

const shape = (engine: string, degrees: Record<string, number>, copies: number, spread: number): Layout => ({
  engine,
  degrees,
  copies,
  spread,
  change: { engine: { name: engine }, parallel: degrees },
});

function servingShapes(engine: string, gpus: number): Layout[] {
  const splits = powersOf2(gpus).flatMap((tensor) => divisors(gpus / tensor).map((pipeline) => ({ tensor, pipeline })));
  return splits.map(({ tensor, pipeline }) => shape(engine, wider({ tensor, pipeline }), gpus / (tensor * pipeline), tensor * pipeline));
}

function shardedShapes(engine: string, gpus: number): Layout[] {
  const stages = { torch: [0], fsdp: [2, 3], deepspeed: [0, 1, 2, 3] }[engine] ?? [];
  const flat = stages.map((zero) => shape(engine, { data: gpus, ...(zero > 0 && { zero }) }, gpus, 1));
  const grouped = engine === "fsdp" && gpus > node && gpus % node === 0 ? [shape(engine, { data: gpus, zero: 3, shardGroup: node }, gpus, 1)] : [];
  const inside = powersOf2(node).filter((tensor) => engine === "fsdp" && tensor > 1 && Number.isInteger(gpus / tensor));
  return [...flat, ...grouped, ...inside.map((tensor) => shape(engine, wider({ tensor, data: gpus / tensor, zero: 3 }), gpus / tensor, tensor))];
}

function megatronShapes(gpus: number, experts: boolean): Layout[] {
  const found: Layout[] = [];
  for (const tensor of powersOf2(Math.min(node, gpus)))
    for (const context of powersOf2(node))
      for (const pipeline of divisors(gpus / tensor / context)) {
        const spread = tensor * context * pipeline;
        const data = gpus / spread;
        for (const expert of experts ? powersOf2(data) : [1]) found.push(shape("megatron", wider({ tensor, pipeline, context, expert, data, zero: 1 }), data, spread));
      }
  return found;
}

/** Degrees of 1 are no split. */
const wider = (degrees: Record<string, number>) => Object.fromEntries(Object.entries(degrees).filter(([name, degree]) => degree > 1 || name === "zero"));

function powersOf2(most: number): number[] {
  const found = [];
  for (let n = 1; n <= most; n *= 2) if (Number.isInteger(most / n)) found.push(n);
  return found;
}

const divisors = (n: number) => (Number.isInteger(n) ? Array.from({ length: n }, (_, i) => i + 1).filter((i) => n % i === 0) : []);
