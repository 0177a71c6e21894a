// Who may include whom: core/include ← core/src ← wasm ← web, and the order of the folders of core/src.
import { dirname, join, normalize } from "node:path";
import { problemsByLine } from "./files.mjs";

// A folder may use those of its own level and of lower ones. Files that lie in core/src itself belong to the estimate.
const levels = { machine: 0, layers: 1, architectures: 2, engines: 2, training: 2, quantization: 2, placement: 3, estimate: 4, answers: 5 };

// What web/ may take from outside itself: the built engine with its types, the generated catalog, and the measured errors.
const webMayUse = [/^build\/wasm\/\w+\.wasm$/, /^wasm\/estimator\.mjs$/, /^build\/catalog\//, /^build\/accuracy\.json$/, /^package\.json$/];

/** `files` are those of core, wasm and web. */
export function arrowProblems(files) {
  const paths = new Set(files.map((file) => file.path));
  return files.flatMap((file) => {
    const wrong = file.path.startsWith("web/") ? wrongImport : wrongInclude;
    return problemsByLine(file, (line) => wrong(file.path, line, paths));
  });
}

function wrongInclude(path, line, paths) {
  const included = /^\s*#\s*include\s+"([^"]+)"/.exec(line)?.[1];
  if (!included) return undefined;
  const target = resolveInclude(path, included, paths);
  if (path.startsWith("core/include/")) {
    return target.startsWith("core/include/") ? undefined : `a public header includes ${included}; it may include public headers only`;
  }
  if (path.startsWith("wasm/")) {
    return target.startsWith("core/src/") ? `wasm includes ${included}, which is private to the core` : undefined;
  }
  if (target.startsWith("wasm/")) return `the core includes ${included}; it does not know about WebAssembly`;
  if (path.startsWith("core/src/") && target.startsWith("core/src/")) return wrongLevel(path, target);
  return undefined;
}

function wrongLevel(path, target) {
  const [from, to] = [folderOf(path), folderOf(target)];
  for (const folder of [from, to]) {
    if (!Object.hasOwn(levels, folder)) return `core/src/${folder} has no place in the order of tests/lint/rules/arrows.mjs`;
  }
  return levels[from] >= levels[to] ? undefined : `${from} may not include ${target}: ${to} stands above it`;
}

function folderOf(path) {
  const parts = path.split("/");
  return parts.length > 3 ? parts[2] : "estimate";
}

/** An include names a file beside the including one, below core/src, below core/include, or a generated one. */
function resolveInclude(path, included, paths) {
  const candidates = [join(dirname(path), included), join("core/src", included), join("core/include", included), join("wasm", included)];
  return candidates.map(normalize).find((candidate) => paths.has(candidate)) ?? included;
}

function wrongImport(path, line) {
  const imported = /(?:from|import)\s*\(?\s*["'](\.[^"']*)["']/.exec(line)?.[1];
  if (!imported) return undefined;
  const target = normalize(join(dirname(path), imported)).replace(/\?.*$/, "");
  if (target.startsWith("web/") || webMayUse.some((allowed) => allowed.test(target))) return undefined;
  return `web imports ${target}; outside web/ it may use the built engine and what is generated beside it only`;
}
