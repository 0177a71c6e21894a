// Text from a file or from standard input, bounded: no input is read further than what could still be a scenario.
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { longestText } from "../import/json";
import { Problem } from "./problem";

export function open(file: string): Readable {
  const stream = file === "-" ? process.stdin : createReadStream(file);
  return stream.setEncoding("utf8");
}

/** All of it, or as much as is enough to see that it is too long. */
export async function readText(file: string): Promise<string> {
  let text = "";
  for await (const chunk of chunks(file)) {
    text += chunk;
    if (text.length > longestText) break;
  }
  return text;
}

/** Line by line as they arrive, without their ends; of a line that is too long, only as much as shows that. */
export async function* readLines(file: string): AsyncGenerator<string> {
  let line = "";
  for await (const chunk of chunks(file)) {
    const pieces = chunk.split("\n");
    for (let i = 0; i < pieces.length; i++) {
      if (i > 0) {
        yield line;
        line = "";
      }
      if (line.length <= longestText) line += pieces[i];
    }
  }
  if (line !== "") yield line;
}

async function* chunks(file: string): AsyncGenerator<string> {
  try {
    for await (const chunk of open(file)) yield chunk as string;
  } catch (error) {
    throw new Problem(`${file === "-" ? "Standard input" : file} cannot be read: ${reason(error as NodeJS.ErrnoException)}.`);
  }
}

function reason({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ENOENT") return "there is no such file";
  if (code === "EISDIR") return "it is a folder";
  if (code === "EACCES") return "its permissions forbid it";
  return message;
}
