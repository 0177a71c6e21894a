// Texts of the comparison with an engine's log.

export const hint = "Paste what the engine prints while it starts, or drop the file here. It stays in this browser.";
export const label = "Start-up log";
export const chooseFile = "Choose a file";
export const tooLong = "This is more than 4 MB; what an engine prints while it starts is much shorter. Nothing was read.";
export const unreadable = "The file could not be read.";
export const nothing = (engines: string[]) => `None of its lines could be read. Known are those of ${engines.join(", ")}:`;
export const otherEngine = (theirs: string, ours: string) => `This log is ${theirs}'s, and the answer above is for ${ours}.`;
export const switchTo = (engine: string) => `Calculate for ${engine}`;
export const caption = "Log and answer";
export const line = "What the log says";
export const where = "Where";
export const log = "Log";
export const here = "Here";
export const off = "Off by";
export const unanswered = "–";
export const notComparable = "– : the answer does not say this with the present settings.";

export const quantities: Record<string, string> = {
  weights: "Weights",
  "kv-cache": "KV cache",
  "recurrent-state": "Recurrent state",
  workspace: "Compute buffers",
  step: "Activations of the largest step",
  tokens: "Tokens in the pool",
  concurrency: "Longest requests at once",
};
export const place = (device: number | "host" | undefined) => (device === undefined ? "" : device === "host" ? "main memory" : `GPU ${device}`);
