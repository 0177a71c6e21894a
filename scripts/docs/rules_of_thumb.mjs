// docs/rules-of-thumb.md: the usual rules beside the answer; every figure of the text is asked of the engine.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/run.mjs";

const GB = (bytes) => `${(bytes / 1e9).toPrecision(3)} GB`;
const counted = (count) => (count >= 1e9 ? `${(count / 1e9).toFixed(2)} billion` : `${(count / 1e6).toFixed(1)} million`);

/** What a word in braces stands for in an answer. */
function valueOf(word, { scenario }, answer) {
  const [device] = answer.devices;
  if (word === "model") return scenario.model.id;
  if (word === "quick") return GB(answer.quickEstimate.bytes);
  if (word === "allocated") return GB(device.allocatedBytes);
  if (word === "process") return GB(device.processBytes.expected);
  if (word.startsWith("parameters.")) return counted(answer.parameters[word.split(".")[1]]);
  if (word === "modelFile.bitsPerWeight") return answer.modelFile.bitsPerWeight.toFixed(2);
  if (word === "modelFile.tensorBytes") return GB(answer.modelFile.tensorBytes);
  if (word === "kvCache.bytesPerToken") return `${answer.kvCache.bytesPerToken.toLocaleString("en")} bytes`;
  const component = device.components.find(({ id }) => id === word);
  if (!component) throw new Error(`docs/rules-of-thumb.json: nothing is called {${word}}`);
  return GB(component.bytes);
}

/** The page's text; `estimate` answers a scenario with an object. */
export function rulesPage(estimate) {
  const examples = JSON.parse(readFileSync(join(root, "docs/rules-of-thumb.json"), "utf8"));
  return [
    "# What the rules of thumb get wrong",
    "",
    "Written by `npm run docs` from `docs/rules-of-thumb.json`; do not edit. Figures are answers of the engine that ships, in GB of 10⁹ bytes.",
    "",
    "The rules: to serve, `P × 4 B ÷ (32 ÷ Q) × 1.2` for P parameters of Q bits; to train, four times the weights; with adapters, the base as it is",
    "served and the adapter as it is trained. Every answer has them beside it, in `quickEstimate`. They are quick, and right to a fifth where little",
    "but weights is alive. Where they go wrong, they do so in these ways.",
    "",
    ...examples.flatMap((example) => partOf(example, estimate(example.scenario))),
  ].join("\n");
}

function partOf(example, answer) {
  if (!answer.ok) throw new Error(`docs/rules-of-thumb.json: "${example.title}" is refused: ${JSON.stringify(answer.issues)}`);
  const text = example.text.replace(/\{([\w.-]+)\}/g, (_, word) => valueOf(word, example, answer));
  return [`## ${example.title}`, "", text, "", "```json", JSON.stringify(example.scenario), "```", ""];
}
