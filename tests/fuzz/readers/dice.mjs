// Changes to bytes, texts and trees, the same for the same seed.

/** Numbers in [0, sides), from a seed (mulberry32). */
export function diceOf(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const roll = (sides) => (sides > 0 ? next() % sides : 0);
  return Object.assign(roll, { of: (list) => list[roll(list.length)] });
}

const oddBytes = [0, 1, 7, 0x22, 0x2c, 0x7b, 0x7f, 0x80, 0xc0, 0xed, 0xff];
const oddNumbers = [0n, 1n, 2n, 255n, 65536n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

/** Some bytes other, gone, doubled, or a number of 4 or 8 bytes in their place; now and then cut off. */
export function changedBytes(bytes, roll) {
  let made = Buffer.from(bytes);
  for (let times = 1 + roll(3); times > 0 && made.length > 8; times--) {
    const at = roll(made.length - 8), long = 1 + roll(40);
    const what = roll(7);
    if (what === 0) made[at] = roll.of(oddBytes);
    else if (what === 1) made[at] ^= 1 << roll(8);
    else if (what === 2) made.writeBigUInt64LE(roll.of(oddNumbers), at);
    else if (what === 3) made.writeUInt32LE(Number(roll.of(oddNumbers) & 0xffffffffn), at);
    else if (what === 4) made = Buffer.concat([made.subarray(0, at), made.subarray(at + long)]);
    else if (what === 5) made = Buffer.concat([made.subarray(0, at + long), made.subarray(at)]);
    else made = made.subarray(0, roll(20) === 0 ? at : made.length);
  }
  return made;
}

const oddTexts = ["", "-1", "0", "1e999", "NaN", "null", "true", "9007199254740993", "__proto__", "constructor", "'", '"', "\\", "\n", "\0", "\ud800", "é", "%", "{", "}", "[", ": ", "- ", "--", "=", "&a", "*a", "x".repeat(300)];

/** Some words exchanged, doubled or gone, some of them odd ones; `words` are those of all seeds. */
export function changedText(text, roll, words) {
  let made = text;
  for (let times = 1 + roll(4); times > 0; times--) {
    const found = [...made.matchAll(/[\w.-]+|\s+|[^\w\s]/g)];
    const part = roll.of(found);
    const place = part ? [part.index, part.index + part[0].length] : [0, 0];
    const put = roll.of([() => roll.of(oddTexts), () => roll.of(words), () => "", () => (part ? part[0] + part[0] : ""), () => String(Number(part?.[0] ?? 1) * roll.of([-1, 0.5, 2, 1e6, 1e300]))])();
    made = made.slice(0, place[0]) + put + made.slice(place[1]);
  }
  return made.slice(0, 50_000);
}

export const wordsOf = (texts) => [...new Set(texts.flatMap((text) => text.match(/[\w.-]{1,60}/g) ?? []))];
