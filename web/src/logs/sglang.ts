// SGLang says what the weights took and how its pools are cut; its GB are GiB.
import { bytesOf } from "../format/bytes";
import { type LogReader, numberOf, type Reading } from "./reading";

const number = "([\\d.]{1,12})";
const weights = new RegExp(`Load weight end\\..{0,200}?\\bmem usage=${number} ?GB`);
const pool = new RegExp(`KV Cache is allocated\\.(?: (?:dtype: \\S{1,40},? )?#tokens: (\\d{1,15}),)? ?(?:K size: ${number} ?GB, V size: ${number} ?GB|KV size: ${number} ?GB)`);
const states = new RegExp(`Mamba Cache is allocated\\..{0,200}?conv_state size: ${number} ?GB.{0,40}?ssm_state size: ${number} ?GB`);
const tokens = /\bmax_total_num_tokens=(\d{1,15})/;

const gib = (text: string) => bytesOf(Number(text), "GiB");

function read(lines: string[]): Reading[] {
  const rows: Reading[] = [];
  const has = (quantity: Reading["quantity"]) => rows.some((row) => row.quantity === quantity);
  for (const whole of lines) {
    const line = whole.trim();
    const [, loaded] = weights.exec(whole) ?? [];
    if (loaded && !has("weights")) rows.push({ quantity: "weights", bytes: gib(loaded), line });
    const cut = pool.exec(whole);
    if (cut && !has("kv-cache")) {
      const [, held, keys, values, both] = cut;
      rows.push({ quantity: "kv-cache", bytes: both ? gib(both) : gib(keys) + gib(values), line });
      if (held && !has("tokens")) rows.push({ quantity: "tokens", count: numberOf(held), line });
    }
    const [, conv, ssm] = states.exec(whole) ?? [];
    if (conv && !has("recurrent-state")) rows.push({ quantity: "recurrent-state", bytes: gib(conv) + gib(ssm), line });
    const [, most] = tokens.exec(whole) ?? [];
    if (most && !has("tokens")) rows.push({ quantity: "tokens", count: numberOf(most), line });
  }
  return rows;
}

export const sglang: LogReader = {
  engine: "sglang",
  looksFor: ["Load weight end", "KV Cache is allocated", "Mamba Cache is allocated", "max_total_num_tokens"],
  read,
};
