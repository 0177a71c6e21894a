/// <reference types="node" />
// The command line.
import { Argument, Command, CommanderError, Option } from "commander";
import { version } from "../../../package.json";
import { completionCommand, type Shell, shells } from "./completion";
import { commandCommand, fromCommandCommand } from "./command";
import { estimateCommand, type EstimateOptions } from "./estimate";
import { adviseCommand, fitCommand } from "./fit";
import { gpusCommand, modelsCommand } from "./lists";
import { printable } from "./columns";
import { endWithReader } from "./output";
import { Problem, status } from "./problem";
import { type SweepOptions, sweepCommand } from "./sweep";

const statusHelp = `
Exit status: 0 it fits, or no hardware was given; 1 it does not fit; 2 the scenario, its file or the command is invalid.
With --jsonl: 0 when every line was answered, whatever the answers; blank lines are passed over.`;

const fitHelp = `
For example:
  gpumem fit scenario.json
  echo '{"model": {"id": "Qwen/Qwen3-8B"}, "hardware": {"gpu": "nvidia/rtx-4090"}}' | gpumem fit -
Exit status: 0 it fits, 1 it does not fit, 2 the scenario, its file or the command is invalid.`;

const adviseHelp = `
Changes that are enough come first, the mildest of them at the top; each is a JSON merge patch of the scenario.
For example:
  gpumem advise scenario.json
  gpumem advise scenario.json --json | jq '.[0].change'
Exit status: 0 it fits, 1 it does not fit, 2 the scenario, its file or the command is invalid.`;

const sweepHelp = `
For example:
  gpumem sweep scenario.json --over inference.contextTokens=1024,2048,4096
  gpumem sweep scenario.json --over inference.contextTokens=1024..131072 --over inference.sequences=1..16/3
  gpumem sweep scenario.json --over weights=bf16,fp8,awq-4-128 --over hardware.gpu=nvidia/l4,nvidia/rtx-4090 --csv
Exit status: 0 some of them were answered, 2 none was, or the file or the command is invalid.`;

const completionHelp = `
For example, in ~/.bashrc or ~/.zshrc: source <(gpumem completion bash) with the name of the shell; in config.fish: gpumem completion fish | source`;

/** Every action sets the exit status instead of exiting: what was printed may still be on its way. */
const ends = (ended: Promise<number>) => ended.then((code) => void (process.exitCode = code));

function program(): Command {
  const gpumem = new Command("gpumem")
    .description("What occupies a GPU when an AI model runs or trains.")
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .helpCommand(false);
  gpumem
    .command("estimate")
    .description("the estimate for a scenario")
    .argument("[file]", "a scenario as JSON; - is standard input")
    .addOption(new Option("--json", "print the estimate as JSON").conflicts("jsonl"))
    .option("--model <file>", "a GGUF, safetensors, index or config.json file that is the scenario's model; only its header is read")
    .option("--jsonl", "read a scenario a line, from FILE or standard input, and print an estimate a line")
    .addOption(new Option("--units <units>", "decimal or binary sizes in the table").choices(["gb", "gib"]).default("gib"))
    .addHelpText("after", statusHelp)
    .action((file: string | undefined, options: EstimateOptions) => ends(estimateCommand(file, options)));
  gpumem
    .command("fit")
    .description("what fits on the scenario's hardware: longest context, most sequences, fewest GPUs …")
    .argument("<file>", "a scenario as JSON; - is standard input")
    .option("--json", "print it as JSON")
    .addHelpText("after", fitHelp)
    .action((file: string, options: { json?: boolean }) => ends(fitCommand(file, options)));
  gpumem
    .command("advise")
    .description("what to change so that it fits")
    .argument("<file>", "a scenario as JSON; - is standard input")
    .option("--json", "print it as JSON")
    .addHelpText("after", adviseHelp)
    .action((file: string, options: { json?: boolean }) => ends(adviseCommand(file, options)));
  gpumem
    .command("sweep")
    .description("the scenario with every combination of some values")
    .argument("<file>", "a scenario as JSON; - is standard input")
    .requiredOption("--over <field=values>", "a field and its values, divided by commas; may be given several times", (one: string, all: string[] = []) => [...all, one])
    .addOption(new Option("--csv", "print comma-separated values, sizes in bytes").conflicts("json"))
    .option("--json", "print an estimate a line, each with its values")
    .addHelpText("after", sweepHelp)
    .action((file: string, options: SweepOptions) => ends(sweepCommand(file, options)));
  gpumem
    .command("models")
    .description("models that a scenario can name by their id")
    .argument("[search...]", "words that the row must hold")
    .action((search: string[]) => ends(modelsCommand(search)));
  gpumem
    .command("gpus")
    .description("GPUs that a scenario can name by their id")
    .argument("[search...]", "words that the row must hold")
    .action((search: string[]) => ends(gpusCommand(search)));
  gpumem
    .command("command")
    .description("the command that starts the engine as a scenario asks for it")
    .argument("<file>", "a scenario as JSON; - is standard input")
    .action((file: string) => ends(commandCommand(file)));
  gpumem
    .command("from-command")
    .description("the scenario of a command such as vllm serve, or of a training configuration, as JSON")
    .argument("<command...>", "the command behind --, as one text or as words; - is standard input")
    .action((words: string[]) => ends(fromCommandCommand(words)));
  gpumem
    .command("completion")
    .description("a script that lets the shell complete these commands")
    .addArgument(new Argument("<shell>", "which shell").choices(shells))
    .addHelpText("after", completionHelp)
    .action((shell: Shell) => ends(completionCommand(gpumem, shell)));
  return gpumem;
}

/** "error: unknown option '--x'" and its hint, as one sentence. */
function sentence(message: string): string {
  const text = message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ").trim();
  return /[.?)]$/.test(text) ? text : `${text}.`;
}

async function main() {
  endWithReader();
  try {
    await program().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return;
    process.exitCode = status.invalid;
    if (error instanceof CommanderError && error.code === "commander.help") return;
    if (!(error instanceof Problem || error instanceof CommanderError)) throw error;
    process.stderr.write(`gpumem: ${printable(sentence(error.message))}\n`);
  }
}

await main();
