// What people paste to say which repository they mean: ids, and every form of its address.
import { Unreadable } from "./source";

export interface HubAddress {
  hub: "huggingface" | "modelscope";
  id: string;
  revision?: string;
  /** A file of it. */
  path?: string;
  /** A file type of GGUF, as llama.cpp's -hf takes it behind a colon. */
  quantization?: string;
}

const namePart = "[\\w](?:[\\w.-]{0,95})";
const idPattern = new RegExp(`^(?:${namePart}/)?${namePart}$`);
const hosts: Record<string, HubAddress["hub"]> = { "huggingface.co": "huggingface", "hf.co": "huggingface", "hf-mirror.com": "huggingface", "modelscope.cn": "modelscope", "modelscope.ai": "modelscope" };
const elsewhere = ["datasets", "spaces", "collections", "papers", "docs", "blog", "organizations", "api"];

/** Undefined for what is no id and no address of a hub; throws a sentence for an address of something else. */
export function hubAddress(typed: string, mirror?: string): HubAddress | undefined {
  const text = typed.trim();
  if (text.length > 500 || /\s/.test(text)) return undefined;
  const scheme = /^(hf|huggingface|ms|modelscope):(?:\/\/)?(.+)$/i.exec(text);
  if (scheme) return fromPath(/^h/i.test(scheme[1]) ? "huggingface" : "modelscope", scheme[2]);
  if (mirror && text.startsWith(`${mirror}/`)) return fromPath("huggingface", text.slice(mirror.length + 1));
  const bare = new RegExp(`^(?:www\\.)?(${Object.keys(hosts).join("|").replaceAll(".", "\\.")})/`, "i").test(text) ? `https://${text}` : text;
  if (/^https?:\/\//i.test(bare)) return fromUrl(bare);
  if (/^(datasets|spaces)\//.test(text)) throw otherThanModel(text);
  return text.includes("/") ? fromPath("huggingface", text) : undefined;
}

function fromUrl(text: string): HubAddress {
  let url: URL, path: string;
  try {
    url = new URL(text);
    path = decodeURIComponent(url.pathname.slice(1));
  } catch {
    throw new Unreadable("This is no address that can be read.");
  }
  const host = url.hostname.replace(/^www\./, "");
  const hub = Object.hasOwn(hosts, host) ? hosts[host] : undefined;
  if (!hub) throw new Unreadable(`${host} is no model hub that is known here: give an address at huggingface.co or modelscope.cn, or set the hub's address below.`);
  return fromPath(hub, path.replace(/^models\//, hub === "modelscope" ? "" : "models/"));
}

/** "owner/name", "owner/name:Q4_K_M", "owner/name/resolve/main/file". */
function fromPath(hub: HubAddress["hub"], path: string): HubAddress {
  const parts = path.replace(/\/+$/, "").split("/");
  if (elsewhere.includes(parts[0])) throw otherThanModel(path);
  const [, last, quantization] = /^([^:@]+)(?::([\w.-]{1,40}))?$/.exec(parts[1] ?? "") ?? [];
  const id = parts.length === 1 ? parts[0] : `${parts[0]}/${last}`;
  if (!idPattern.test(id) || id.includes("..") || id.includes("--")) throw new Unreadable(`${JSON.stringify(path.slice(0, 80))} is no model's id: it has the form owner/name.`);
  const [, , kind, revision, ...file] = parts;
  if (["resolve", "blob", "raw"].includes(kind) && file.length > 0) return { hub, id, revision, path: file.join("/") };
  if (kind === "file" && revision === "view") return { hub, id, revision: file[0], path: file.slice(1).join("/") };
  return { hub, id, ...(kind === "tree" && revision && { revision }), ...(quantization && { quantization }) };
}

const otherThanModel = (path: string) => new Unreadable(`${path.slice(0, 80)} is no model: data sets, spaces and other pages have no weights to count.`);
