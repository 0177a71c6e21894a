// gpumem completion: what a shell needs to complete the commands, as the commands themselves say it.
import type { Command, Option } from "commander";
import { print } from "./output";
import { status } from "./problem";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

export async function completionCommand(program: Command, shell: Shell): Promise<number> {
  await print(scripts[shell](program.name(), program.commands));
  return status.fits;
}

const scripts: Record<Shell, (name: string, commands: readonly Command[]) => string> = { bash, zsh, fish };

const readsFile = (command: Command) => command.registeredArguments.some((argument) => argument.name() === "file");
/** Words that an argument of the command accepts. */
const wordsOf = (command: Command) => command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
const flagOf = ({ long }: Option) => long as string;
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** Without words of its own a command completes files. */
function bash(name: string, commands: readonly Command[]): string {
  const choices = commands.flatMap((command) =>
    command.options.filter(({ argChoices }) => argChoices).map((option) => `    *" ${command.name()} ${flagOf(option)}") words="${option.argChoices?.join(" ")}" ;;`),
  );
  const rows = commands.map((command) => {
    const flags = command.options.map(flagOf).join(" ");
    return `    *" ${command.name()} "*) [[ $typed == -* ]] && words="${flags}" || words="${wordsOf(command).join(" ")}" ;;`;
  });
  return `# gpumem for bash: source <(${name} completion bash)
_${name}() {
  local typed=\${COMP_WORDS[COMP_CWORD]} words=""
  case "$COMP_CWORD \${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD-1]}" in
    "1 "*) words="${commands.map((command) => command.name()).join(" ")}" ;;
${[...choices, ...rows].join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$typed"))
}
complete -o bashdefault -o default -F _${name} ${name}
`;
}

function zsh(name: string, commands: readonly Command[]): string {
  const plain = (text: string) => text.replace(/[[\]:]/g, "\\$&");
  const rows = commands.map((command) => {
    const options = command.options.map(
      (option) => quoted(`${flagOf(option)}[${plain(option.description)}]${option.argChoices ? `:value:(${option.argChoices.join(" ")})` : option.required ? ":value:" : ""}`),
    );
    const words = wordsOf(command);
    const rest = words.length > 0 ? [quoted(`*:word:(${words.join(" ")})`)] : readsFile(command) ? [quoted("*:file:_files")] : [];
    return `    ${command.name()}) _arguments ${[...options, ...rest].join(" ")} ;;`;
  });
  return `#compdef ${name}
# gpumem for zsh: source <(${name} completion zsh), or this text as a file _${name} in a folder of $fpath
_${name}() {
  local -a commands=(${commands.map((command) => quoted(`${command.name()}:${plain(command.description())}`)).join(" ")})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${rows.join("\n")}
  esac
}
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function fish(name: string, commands: readonly Command[]): string {
  const rows = commands.flatMap((command) => {
    const within = `complete -c ${name} -n ${quoted(`__fish_seen_subcommand_from ${command.name()}`)}`;
    const words = wordsOf(command);
    return [
      `complete -c ${name} -n __fish_use_subcommand -a ${command.name()} -d ${quoted(command.description())}`,
      ...(readsFile(command) ? [`${within} -F`] : []),
      ...(words.length > 0 ? [`${within} -a ${quoted(words.join(" "))}`] : []),
      ...command.options.map((option) => {
        const value = option.argChoices ? ` -x -a ${quoted(option.argChoices.join(" "))}` : option.required ? " -x" : "";
        return `${within} -l ${flagOf(option).slice(2)}${value} -d ${quoted(option.description)}`;
      }),
    ];
  });
  return [`# gpumem for fish: ${name} completion fish | source`, `complete -c ${name} -f`, ...rows, ""].join("\n");
}
