// Ollama starts llama.cpp's server: variables of its own server, and a Modelfile's parameters, say with what.
import { idOf } from "../catalog/named";
import type { Scenario } from "../engine/types";
import { setAt, takeAt, valueAt } from "../state/paths";
import * as text from "../text/commands";
import { ggmlTypes, llamaCpp } from "./engines";
import { option, type Tree } from "./flag";
import { quoted } from "./shell";

const variable = /(?<![\w/])(OLLAMA_[A-Z_]{1,40})=["']?([^\s"';&]{1,200})/g;
const parameter = /(?:^[ \t]*|\/set[ \t]+)parameter[ \t]+(\w{1,40})[ \t]+(\S{1,200})/gim;
const from = /^[ \t]*from[ \t]+(\S{1,300})/im;
const run = /(?<![\w.-])ollama(?:\.exe)?[ \t]+(?:run|pull|show)[ \t]+(?:--\S{1,100}[ \t]+){0,9}([^\s-]\S{0,299})/;
const start = /(?<![\w.-])ollama(?:\.exe)?[ \t]+(?:serve|run|pull|show|create)(?!\S)/;

/** Lines of a Modelfile, or a command or variables of Ollama's. */
export const isOllama = (command: string) => start.test(command) || command.search(variable) >= 0 || (from.test(command) && command.search(parameter) >= 0);

const truths: Record<string, string> = { "1": "flash", t: "flash", true: "flash", "0": "eager", f: "eager", false: "eager" };
const counts: Record<string, string> = {
  num_ctx: "inference.contextTokens",
  OLLAMA_CONTEXT_LENGTH: "inference.contextTokens",
  OLLAMA_NUM_PARALLEL: "inference.sequences",
  num_batch: "inference.prefillTokens",
  num_gpu: option("n_gpu_layers"),
};

export function readOllama(command: string, models: Record<string, object>): { scenario: Tree; notes: string[] } {
  const scenario: Tree = { model: {}, task: "inference", engine: { name: "llama.cpp", options: { engine: "ollama" } } };
  const ignored: string[] = [];
  // A model's own parameter goes before the server's variable, and the last of one name before the others.
  for (const [, name, value] of [...command.matchAll(variable), ...command.matchAll(parameter)])
    if (!take(scenario, /^OLLAMA/.test(name) ? name : name.toLowerCase(), value)) ignored.push(name);
  // Ollama takes zero for what was not set, and -1 layers for as many as fit.
  for (const path of Object.values(counts)) if (path !== option("n_gpu_layers") && !(Number(valueAt(scenario, path) ?? 1) > 0)) takeAt(scenario, path);
  const layers = Number(valueAt(scenario, option("n_gpu_layers")) ?? 0);
  if (layers < 0 || layers >= 99) takeAt(scenario, option("n_gpu_layers"));
  const named = (from.exec(command) ?? run.exec(command))?.[1].replace(/:latest$/, "");
  const id = named && idOf(llamaCpp.read!(named, scenario), models);
  scenario.model = { id: id ?? "" };
  const notes = [
    ...(valueAt(scenario, "inference.contextTokens") === undefined ? [text.ollamaContext] : []),
    ...(id ? (scenario.weights === undefined ? [text.ollamaType] : []) : [text.noModel]),
    ...(ignored.length > 0 ? [text.ignored([...new Set(ignored)])] : []),
  ];
  return { scenario, notes };
}

function take(scenario: Tree, name: string, value: string): boolean {
  if (Object.hasOwn(counts, name) && /^-?\d{1,12}$/.test(value)) setAt(scenario, counts[name], Number(value));
  else if (name === "OLLAMA_KV_CACHE_TYPE" && Object.hasOwn(ggmlTypes, value.toLowerCase())) setAt(scenario, "inference.kvFormat", ggmlTypes[value.toLowerCase()]);
  else if (name === "OLLAMA_FLASH_ATTENTION" && Object.hasOwn(truths, value.toLowerCase())) setAt(scenario, "inference.attention", truths[value.toLowerCase()]);
  else return false;
  return true;
}

const said = new Set(["engine", "n_gpu_layers", "n_ctx", "n_parallel", "cache_type_k", "cache_type_v", "imatrix"]);

/** The server with its variables, and a model made with the parameters. */
export function ollamaCommand(scenario: Tree, id: string): { command: string; notes: string[] } {
  const given = llamaCpp.prepare!(scenario);
  const at = (path: string) => valueAt(given, path);
  const sequences = Number(at("inference.sequences") ?? 1);
  const type = Object.keys(ggmlTypes).find((name) => ggmlTypes[name] === at("keys"));
  const sameTypes = at("keys") === at("values");
  const attention = at("inference.attention");
  const variables = [
    ...(at("inference.sequences") === undefined ? [] : [`OLLAMA_NUM_PARALLEL=${sequences}`]),
    ...(type && sameTypes ? [`OLLAMA_KV_CACHE_TYPE=${type}`] : []),
    ...(attention === undefined ? [] : [`OLLAMA_FLASH_ATTENTION=${attention === "eager" ? 0 : 1}`]),
  ];
  const parameters = [
    ["num_ctx", at("total") === undefined ? undefined : Math.floor(Number(at("total")) / sequences)],
    ["num_gpu", valueAt(scenario, option("n_gpu_layers"))],
    ["num_batch", at("inference.prefillTokens")],
  ].filter(([, value]) => value !== undefined);
  const file = llamaCpp.nameOf!(id, scenario as unknown as Scenario);
  const lines = [`FROM ./${file}`, ...parameters.map(([name, value]) => `PARAMETER ${name} ${value}`)];
  const command = [`${[...variables, "ollama serve"].join(" ")} &`, "cat > Modelfile <<'END'", ...lines, "END", `ollama create ${quoted(file.replace(/\.gguf$/, "").toLowerCase())} -f Modelfile`].join("\n");
  const options = Object.keys((valueAt(scenario, "engine.options") as Tree | undefined) ?? {}).filter((name) => !said.has(name));
  const lost = [...options, ...(sameTypes ? [] : ["kvFormat"]), ...Object.keys((at("inference.offload") as Tree | undefined) ?? {}).map((name) => `offload.${name}`)];
  return { command, notes: lost.length > 0 ? [text.ollamaUnsaid(lost)] : [] };
}
