// Standard output: waits for a slow reader, and ends quietly when the reader has gone (`gpumem … | head`).
import { once } from "node:events";

export async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

export function endWithReader() {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") process.stderr.write(`The output cannot be written: ${error.message}.\n`);
    process.exit(error.code === "EPIPE" ? process.exitCode : 2);
  });
}
