/// <reference types="node" />
// The command line.
import { Command, CommanderError, Option } from "commander";
import { version } from "../../../package.json";
import { commandCommand, fromCommandCommand } from "./command";
import { estimateCommand, type EstimateOptions } from "./estimate";
import { gpusCommand, modelsCommand } from "./lists";
import { printable } from "./columns";
import { endWithReader } from "./output";
import { Problem, status } from "./problem";

const statusHelp = `
Exit status: 0 it fits, or no hardware was given; 1 it does not fit; 2 the scenario, its file or the command is invalid.
With --jsonl: 0 when every line was answered, whatever the answers; blank lines are passed over.`;

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
    .option("--jsonl", "read a scenario a line, from FILE or standard input, and print an estimate a line")
    .addOption(new Option("--units <units>", "decimal or binary sizes in the table").choices(["gb", "gib"]).default("gib"))
    .addHelpText("after", statusHelp)
    .action((file: string | undefined, options: EstimateOptions) => ends(estimateCommand(file, options)));
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
    .description("the scenario of a command such as vllm serve or llama-server, as JSON")
    .argument("<command...>", "the command behind --, as one text or as words; - is standard input")
    .action((words: string[]) => ends(fromCommandCommand(words)));
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
