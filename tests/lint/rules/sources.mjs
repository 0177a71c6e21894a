// Every figure has a source, and every source that is cited exists.

// Folders whose files hold formulas or rules taken from somewhere else.
const citing = /^core\/src\/(layers|training|engines|quantization)\//;

/** [{path, line, key}] for each key cited as "Source: [key] …" in a comment; one line may cite several. */
export function citations(files) {
  return files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, i) => {
      const cited = /\/\/.*\bSources?:(.*)$/.exec(line)?.[1] ?? "";
      return [...cited.matchAll(/\[([^\]\s]+)\]/g)].map(([, key]) => ({ path, line: i + 1, key }));
    }),
  );
}

export function citationProblems(files, sources) {
  return citations(files)
    .filter(({ key }) => !Object.hasOwn(sources, key))
    .map(({ path, line, key }) => `${path}:${line}: core/catalog/sources.json has no source "${key}"`);
}

// A function at the outermost level; structs of plain data need no source.
const declaresFunction = /^(?:\[\[\w+\]\] )?[A-Za-z_][\w:<>,&* ]* [&*]?\w+\(/m;

/** A header of a citing folder that declares functions needs a citation, in itself or in the .cpp of the same name. */
export function uncitedHeaders(files) {
  const cited = new Set(citations(files).map(({ path }) => stem(path)));
  return files
    .filter(({ path }) => citing.test(path) && path.endsWith(".hpp") && !cited.has(stem(path)))
    .filter(({ text }) => declaresFunction.test(text))
    .map(({ path }) => `${path}: cites no source (a comment "Source: [key] …")`);
}

/** Keys that neither the code nor a row of the catalog uses. */
export function unusedSources(files, { sources, ...kinds }) {
  const inRows = [...JSON.stringify(kinds).matchAll(/"([a-z0-9-]+)"/g)].map(([, key]) => key);
  const used = new Set([...inRows, ...citations(files).map(({ key }) => key)]);
  return Object.keys(sources).filter((key) => !used.has(key));
}

const stem = (path) => path.replace(/\.[^.]+$/, "");
