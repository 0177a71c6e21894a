// Files behind addresses, asked for in parts. Nothing of an answer is believed: not its length, not its kind, not its status.
import { plain, sizeText } from "../format/bytes";
import { type Source, Unreadable } from "./source";

export interface Access {
  /** Where the hub lies, without a slash at its end. */
  base: string;
  token?: string;
  signal: AbortSignal;
  /** Told of every file that is begun. */
  progress: (name: string) => void;
  fetch?: typeof fetch;
}

/** A file's bytes from `start` up to `end`, no more even if more is sent. */
async function part(access: Access, address: string, name: string, start: number, end: number): Promise<{ bytes: Uint8Array; size?: number }> {
  const response = await ask(access, address, name, { Range: `bytes=${start}-${end - 1}` });
  if (response.status === 416) throw new Unreadable(`${name} is shorter than its header says.`);
  const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "") ?? [];
  const partial = response.status === 206;
  if (partial && from !== undefined && Number(from) !== start) throw new Unreadable(`The hub sent another part of ${name} than was asked for.`);
  // A server that knows no parts sends the file from its beginning: what is before the part is passed over.
  const before = partial ? 0 : start;
  if (before > 0) {
    await response.body?.cancel();
    throw new Unreadable(`The hub does not send parts of files, and all of ${name} would be too much.`);
  }
  return { bytes: await bounded(response, end - start), size: total === undefined ? undefined : Number(total) };
}

export function httpSource(access: Access, address: string, name: string): Source {
  access.progress(name);
  const source: Source = {
    name,
    read: async (start, end) => {
      const { bytes, size } = await part(access, address, name, start, end);
      source.size ??= size;
      return bytes;
    },
  };
  return source;
}

/** A whole text, and a refusal where it is longer than `longest` bytes. */
export async function httpText(access: Access, address: string, name: string, longest: number): Promise<string> {
  access.progress(name);
  const response = await ask(access, address, name, {});
  const bytes = await bounded(response, longest + 1);
  if (bytes.length > longest) throw new Unreadable(`${name} is larger than ${plain(sizeText(longest, "GB", 0))}, which no such file is. Nothing of it was used.`);
  const text = new TextDecoder().decode(bytes);
  if (/^\s*</.test(text)) throw new Unreadable(`The hub answered with a web page in place of ${name}. Is its address right?`);
  return text;
}

/** Whether the error says that there is no such file, and nothing worse. */
export class Missing extends Unreadable {}

async function ask({ base, token, signal, fetch: get = fetch }: Access, address: string, name: string, headers: Record<string, string>): Promise<Response> {
  // The token is for the hub alone; a redirection to another host does not get it.
  const secret: Record<string, string> = token && address.startsWith(`${base}/`) ? { Authorization: `Bearer ${token}` } : {};
  let response: Response;
  try {
    response = await get(address, { headers: { ...headers, ...secret }, signal, credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store" });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Unreadable(`${new URL(address).host} cannot be reached from this page: there is no network, the hub refuses other pages, or the page's policy does not name it.`);
  }
  if (response.ok || response.status === 416) {
    const kind = response.headers.get("content-type") ?? "";
    if (!/^text\/html/i.test(kind)) return response;
    await response.body?.cancel();
    throw new Unreadable(`The hub answered with a web page in place of ${name}. Is its address right?`);
  }
  await response.body?.cancel();
  throw refusal(response, name, Boolean(token));
}

function refusal({ status, headers }: Response, name: string, withToken: boolean): Unreadable {
  const code = headers.get("x-error-code") ?? "";
  if (status === 401 || status === 403 || code === "GatedRepo")
    return new Unreadable(withToken
      ? "The hub refuses the token: it is not valid, or its owner was not granted access to this model. Ask for access on the model's page."
      : "The model is gated, private or does not exist: ask for access on its page, then give an access token below.");
  if (status === 404) return new Missing(code === "RepoNotFound" ? "There is no such model on the hub. Is the name right?" : `The repository has no ${name}.`);
  if (status === 429) {
    const wait = Number(headers.get("retry-after"));
    return new Unreadable(`The hub has had too many requests from here: try again ${wait > 0 ? `in ${wait} seconds` : "in a few minutes"}, or with an access token.`);
  }
  return new Unreadable(`The hub answered with the error ${status}. ${status >= 500 ? "Try again later." : "Is the address right?"}`);
}

/** Reads until so many bytes are there or the answer ends; the rest is not taken. */
async function bounded(response: Response, most: number): Promise<Uint8Array> {
  const bytes: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  while (reader && length < most) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes.push(value);
    length += value.length;
  }
  await reader?.cancel().catch(() => undefined);
  const all = new Uint8Array(Math.min(length, most));
  let at = 0;
  for (const one of bytes) {
    all.set(one.subarray(0, all.length - at), at);
    at += Math.min(one.length, all.length - at);
  }
  return all;
}
