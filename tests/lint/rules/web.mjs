// Rules for web/src: no way for text to become markup or code, and no computing of bytes.
import { problemsByLine } from "./files.mjs";

const dangerous = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\s*\(|new\s+Function\b/i;

export function injectionProblems(files) {
  return files.flatMap((file) =>
    problemsByLine(file, (line) => {
      const found = dangerous.exec(line)?.[0];
      return found ? `${found}: text must never become markup or code` : undefined;
    }),
  );
}

const scale = String.raw`(?:1024|1e\d+|1_000(?:_000)*|1000(?:000)*|1048576|1073741824)\b`;
const byteArithmetic = new RegExp(String.raw`[*/]=?\s*${scale}|\b${scale}\s*[*/]|\b2\s*\*\*\s*[1-4]0\b|<<\s*[1-4]0\b`);

/** The core computes; only web/src/format turns bytes into text. */
export function byteProblems(files) {
  return files
    .filter(({ path }) => !path.startsWith("web/src/format/") && !path.endsWith(".css"))
    .flatMap((file) =>
      problemsByLine(file, (line) => {
        const found = byteArithmetic.exec(line.replace(/\/\/.*$/, ""))?.[0];
        return found ? `"${found}": bytes are computed by the core and written by web/src/format` : undefined;
      }),
    );
}
