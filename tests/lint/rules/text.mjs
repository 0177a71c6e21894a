// Rules about the text of single files.
import { problemsByLine, withoutComments } from "./files.mjs";

export const lineLimits = { code: 300, test: 500 };

export function lengthProblems(files) {
  return files.flatMap(({ path, text }) => {
    const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
    const limit = path.startsWith("tests/") ? lineLimits.test : lineLimits.code;
    return lines > limit ? [`${path}: ${lines} lines, and the limit is ${limit}; split it by idea`] : [];
  });
}

// Written in two parts, so that this file does not hold what it looks for.
const postponed = new RegExp(`\\b(TO${"DO"}|FIX${"ME"})\\b`);

export function postponedProblems(files) {
  return files.flatMap((file) =>
    problemsByLine(file, (line) => (postponed.test(line) ? "postponed work belongs in an issue, not in the tree" : undefined)),
  );
}

/** Names of models and GPUs are data; code finds what it needs by fields. `model_type`s are such fields. */
export function namedInCode(files, { models, gpus }) {
  const types = new Set(Object.values(models).map(({ config }) => config.model_type));
  const names = [
    ...Object.keys(models).flatMap((id) => [id, id.split("/")[1]]),
    ...Object.values(gpus).map(({ name }) => name),
    ...Object.keys(gpus),
  ].filter((name) => !types.has(name));
  const named = new RegExp(`(?<![\\w-])(${names.map(escaped).join("|")})(?![\\w-])`, "i");
  return files.flatMap(({ path, text }) =>
    problemsByLine({ path, text: withoutComments(text) }, (line) => {
      const found = [...line.matchAll(/"((?:\\.|[^"\\])*)"/g)].map(([, literal]) => named.exec(literal)?.[1]).find(Boolean);
      return found && !/^\s*#/.test(line) ? `names ${found}; names belong in core/catalog` : undefined;
    }),
  );
}

const escaped = (name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
