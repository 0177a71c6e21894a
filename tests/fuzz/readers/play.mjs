// Plays changed seeds to one target until the time or the rolls are used up.
import { changedBytes, changedText, diceOf, wordsOf } from "./dice.mjs";

const longest = 2000; // milliseconds a single input may take

/** A refusal is an Error with a sentence; whatever the language throws by itself is a finding. */
const isRefusal = (error) => error instanceof Error && !["TypeError", "RangeError", "SyntaxError", "ReferenceError", "URIError", "AssertionError", "RuntimeError"].includes(error.name) && error.constructor.name !== "AssertionError" && error.message.length > 5;

/** What is wrong with the target's answer to the input, or undefined. */
export async function findingOf({ run }, input) {
  const begun = performance.now();
  let late;
  const never = new Promise((_, reject) => (late = setTimeout(reject, 10_000, new TypeError("no answer comes"))));
  try {
    await Promise.race([run(input), never]);
  } catch (error) {
    if (!isRefusal(error)) return error.stack ?? String(error);
  } finally {
    clearTimeout(late);
  }
  if (Object.keys(Object.prototype).length > 0) return "Object.prototype was changed";
  const took = performance.now() - begun;
  return took > longest ? `took ${Math.round(took)} ms` : undefined;
}

/** {executions, finding?: {input, what}}; `kept` are inputs of earlier runs. */
export async function play(target, { seed, milliseconds, most = Infinity, kept = [] }) {
  const roll = diceOf(seed), until = performance.now() + milliseconds;
  const inputs = [...target.seeds, ...kept], binary = Buffer.isBuffer(inputs[0]);
  const words = binary ? [] : wordsOf(inputs);
  let executions = 0;
  const tried = async (input) => {
    executions++;
    const what = await findingOf(target, input);
    return what && { input, what };
  };
  for (const input of inputs) {
    const finding = await tried(input);
    if (finding) return { executions, finding };
  }
  while (performance.now() < until && executions < most) {
    let input = roll.of(inputs);
    for (let rounds = 1 + roll(4); rounds > 0; rounds--) input = binary ? changedBytes(input, roll) : changedText(input, roll, words);
    const finding = await tried(input);
    if (finding) return { executions, finding };
  }
  return { executions };
}
