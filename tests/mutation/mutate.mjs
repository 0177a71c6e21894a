// npm run mutate [-- seconds]: every rule of the table of operations is made wrong once, and some test has to notice. Survivors go to docs/mutants.md.
// The mutants are compiled into one program, which is told by the environment which of them to be.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, main, root, run } from "../../scripts/support/run.mjs";
import { factsOf } from "../support/facts.mjs";
import { readCases, runCases } from "../truth/measure.mjs";
import { withMutants } from "./mutants.mjs";

const source = join(root, "core/src/machine/ops"), native = join(root, "build/gcc"), made = join(root, "build/mutate");

/** Commands that ninja would run for a target, with `change` made to them. */
const commandsOf = (target) => spawnSync("ninja", ["-t", "commands", target], { cwd: native, encoding: "utf8", maxBuffer: 1 << 26 }).stdout.trimEnd().split("\n");
const shell = (command) => {
  const { status, stderr } = spawnSync("sh", ["-c", command], { cwd: native, encoding: "utf8" });
  if (status !== 0) throw new Failure(`${command.slice(0, 300)}\n${stderr.slice(0, 3000)}`);
};

function buildMutants() {
  run("cmake", ["--preset", "gcc"]);
  run("cmake", ["--build", "build/gcc", "--target", "core_tests", "estimate_lines"]);
  mkdirSync(made, { recursive: true });
  const mutants = [], objects = [];
  const compiles = commandsOf("tests/core/core_tests");
  for (const file of readdirSync(source).filter((name) => name.endsWith(".cpp")).sort()) {
    const own = withMutants(readFileSync(join(source, file), "utf8"), mutants.length + 1);
    mutants.push(...own.mutants.map((mutant) => ({ ...mutant, file })));
    writeFileSync(join(made, file), own.text);
    const command = compiles.find((line) => line.endsWith(`-c ${join(source, file)}`));
    if (!command) throw new Failure(`ninja compiles no ${file}`);
    objects.push(join(made, `${file}.o`));
    shell(`${command.slice(0, command.lastIndexOf(" -o "))} -o ${objects.at(-1)} -c ${join(made, file)}`.replace(/-MF \S+/, `-MF ${objects.at(-1)}.d`).replaceAll("-Werror", ""));
  }
  for (const target of ["core_tests", "estimate_lines"]) {
    const link = commandsOf(`tests/core/${target}`).findLast((line) => line.includes(` -o tests/core/${target}`));
    // What stands before the library is taken, and the library's own is not looked at.
    shell(link.replace(` -o tests/core/${target}`, ` -o ${join(made, target)} ${objects.join(" ")}`).replace(/ && (cmake|\/\S*cmake) .*$/, ""));
  }
  return mutants;
}

const as = (number) => ({ ...process.env, GPUMEM_MUTANT: String(number) });
const testsFail = (number) => spawnSync(join(made, "core_tests"), ["--abort"], { env: as(number), stdio: "ignore", timeout: 300_000 }).status !== 0;

/** Which group of recorded cases is off by more than its limit, if any; answers come from one process. */
function casesFail(number, cases, limits) {
  const input = cases.map(({ scenario }) => `${JSON.stringify({ scenario, facts: factsOf(scenario) })}\n`).join("");
  const { status, stdout } = spawnSync(join(made, "estimate_lines"), [], { input, env: as(number), encoding: "utf8", maxBuffer: 2 ** 30 });
  if (status !== 0) return true;
  const answers = stdout.split("\n");
  let next = 0;
  const results = runCases(cases, { estimateScenario: () => answers[next++] });
  return results.some(({ refused, errors }, i) => refused === undefined && errors.some(({ quantity, error }) => error > limits.get(`${i} ${quantity}`) + 1e-9));
}

/** The errors that the recorded cases have without a mutant: a larger one is noticed. */
function errorsNow(cases) {
  const input = cases.map(({ scenario }) => `${JSON.stringify({ scenario, facts: factsOf(scenario) })}\n`).join("");
  const answers = spawnSync(join(made, "estimate_lines"), [], { input, env: as(0), encoding: "utf8", maxBuffer: 2 ** 30 }).stdout.split("\n");
  let next = 0;
  return new Map(runCases(cases, { estimateScenario: () => answers[next++] }).flatMap(({ errors }, i) => errors.map(({ quantity, error }) => [`${i} ${quantity}`, Math.max(error, 0.0005)])));
}

/** `tried` are the mutants that were played, `alive` the numbers of those that nobody noticed. */
export function page(tried, alive, all, date = new Date().toISOString().slice(0, 10)) {
  const code = (what) => what.replace(/: (.*)$/, (_, line) => `: \`${line.replaceAll("|", "\\|")}\``);
  const left = tried.filter(({ number }) => alive.has(number));
  return [
    "# Mutants of the table of operations", "",
    `Written by \`npm run mutate\` (${date}); do not edit. Rules of \`core/src/machine/ops\` were made wrong one by one: what an operation saves was not saved, or what it`,
    "makes had another format. A mutant is noticed where a test of the core fails or a recorded case is off by more than it was.", "",
    `${tried.length} of ${all} mutants were tried; ${tried.length - left.length} were noticed, ${left.length} were not.${tried.length < all ? " The run was ended before the rest." : ""}`, "",
    ...(left.length ? ["| where | what nobody noticed |", "|---|---|", ...left.map(({ file, line, what }) => `| \`${file}:${line}\` | ${code(what)} |`), ""] : []),
  ].join("\n");
}

main(import.meta.url, () => {
  const until = Date.now() + Number(process.argv[2] ?? Infinity) * 1000;
  const mutants = buildMutants(), alive = new Set(), tried = [];
  if (testsFail(0)) throw new Failure("The tests fail without a mutant already.");
  const cases = readCases().filter(({ group }) => /^(tensor|published-train)/.test(group)), limits = errorsNow(cases);
  for (const mutant of mutants) {
    if (Date.now() > until) break;
    tried.push(mutant);
    if (testsFail(mutant.number) || casesFail(mutant.number, cases, limits)) continue;
    alive.add(mutant.number);
    console.log(`alive: ${mutant.file}:${mutant.line}: ${mutant.what}`);
  }
  writeFileSync(join(root, "docs/mutants.md"), page(tried, alive, mutants.length));
  console.log(`docs/mutants.md: ${tried.length - alive.size} of ${tried.length} noticed`);
});
