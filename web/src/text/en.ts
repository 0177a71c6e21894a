// Every text of the page. What a word of the scenario is called stands in words.ts.

export const noEngine = "The calculator itself is not there yet: it needs the network until it is loaded, and a browser with WebAssembly.";
export const title = "gpumem";
export const tagline = "GPU memory of AI models, to the tensor";
export const units = "Units";
export const theme = "Theme";
export const themes = { system: "Auto", light: "Light", dark: "Dark" };
export const share = "Copy link";
export const exports = "Export";
export const copyJson = "Copy as JSON";
export const copyMarkdown = "Copy table as Markdown";
export const copied = "Copied";
export const notCopied = "The browser did not allow copying.";
export const linkTooLong = "This configuration is too long for a link.";
export const inputs = "What to calculate";
export const model = "Model";
export const modelBy = { id: "Catalog", config: "config.json", parameters: "Count" };
export const file = "File";
export const fileOfLink = "The header of a file, from a link.";
export const modelNames = { id: "Name", config: "config.json", parameters: "Parameters" };
export const searchHint = "llama 8b, qwen3 32b …";
export const configHint = "Paste a config.json, or drop the file anywhere on the page.";
export const parametersHint = "70B, 1.5b, 7e9";
export const parametersNote = "A count alone gives the weights and what is proportional to them, nothing else.";
export const chooseFile = "Choose a file";
export const noMatch = "No model reads like this. Its config.json can be pasted instead.";
export const noCard = "No card reads like this. Its memory can be typed instead.";
export const cardHint = "h100, rtx 3090, m4 max …";
export const moreRows = (count: number) => `${count} more`;
export const uncounted = (kind: string) => `Models of the kind ${kind} are not counted yet.`;
export const uncountedWeights = (count: string, format: string, size: string) => `The weights alone, ${count} parameters in ${format}, take ${size}.`;
export const uncountedConfig = "Its number of parameters, typed under Count, gives what is proportional to the weights.";
export const countInstead = "Go on with the number of parameters";
export const parameters = (count: string) => `${count} parameters`;
export const tooLong = "This is more than 4 MB; a config.json has a few kilobytes. Nothing was read.";
export const unreadableFile = "The file could not be read.";
export const unreadableAddress = "The address holds no readable scenario, so this is the default one.";
export const task = "Task";
export const method = "Method";
export const hardware = "Hardware";
export const hardwareBy = { gpu: "Card", memory: "Own size" };
export const hardwareNames = { gpu: "Card", memory: "Memory" };
export const memoryHint = "24 GiB, 80 GB";
export const memoryNote = "Empty: only what is needed. GB and GiB are different.";
export const more = "More settings";
export const moreSplits = "More of the layout";
export const byDefault = (value: string) => `${value} by default`;
export const unsaid = "the default";
export const optionFits = "fits";
export const optionRefused = "not with these settings";
export const waiting = "Loading the model …";
export const notUpdated = "This is the last answer";
export const seeFields = (many: boolean) => (many ? "the marked fields need other values." : "the marked field needs another value.");
export const noAnswer = "No answer yet";
export const answer = "Answer";
export const fits = "Fits";
export const atLeast = "Takes at least";
export const probablyFits = "Probably fits";
export const probablyNot = "Probably does not fit";
export const fitsNot = "Does not fit";
export const needs = "Needs";
export const ofUsable = (needed: string, usable: string) => `${needed} of ${usable}`;
export const peak = (phase: string, component: string, size: string) => `the peak is ${phase}: ${component} take ${size}`;
export const room = (size: string) => `${size} left`;
export const short = (size: string) => `${size} too much`;
export const band = (range: string) => `expected within ${range}`;
export const wouldFit = "Would fit with";
export const savesMost = "No single change is enough. These save most";
export const bar = "Memory at the peak";
export const limit = "usable";
export const overLimit = "over the limit";
export const overheads = "Overheads";
export const unsure = "uncertain";
export const onDevice = (device: string) => `on ${device}`;
/** Of an engine that takes a pool before the first request comes. */
export const pooled = (needed: string, tokens: string, requests: string) =>
  `${needed} would do; the pool holds ${tokens} tokens, ${requests} of the longest requests`;
export const detailsNotLoaded = "The details could not be loaded. Loading the page again may help.";
export const help = "Keyboard";
export const keys = [
  ["/", "find a model"],
  ["c", "put this aside to compare it"],
  ["Ctrl Z", "take the last change back"],
  ["?", "show or hide this list"],
  ["↑ ↓", "move through models and options; the answer follows at once"],
  ["Tab", "next field"],
];
export const documentation = "Documentation";
export const local = "Everything is calculated in this browser; only links you open are fetched.";
export const engine = "Engine";
