// What the devices of an answer are called.
import type { Device } from "../engine/types";

/** "GPU 1", "each of 4 GPUs", "main memory"; a stage of a pipeline may be several GPUs. */
export function deviceName({ role, count }: Pick<Device, "role" | "count">, engine = ""): string {
  if (role === "host") return "main memory";
  const stage = /^stage (\d+)$/.exec(role)?.[1];
  if (stage !== undefined && engine === "llama.cpp") return `GPU ${stage}`;
  const name = role === "gpu" ? "" : role;
  if (count > 1) return `${name ? `${name}: ` : ""}each of ${count} GPUs`;
  return name || "GPU";
}
