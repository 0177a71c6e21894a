// Counts: of parameters, tokens, sequences.

/** By hand: the first Intl of a process takes 25 ms. */
export const grouped = (count: number) => String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",").replace("-", "\u2212");

const names = ["", " thousand", " million", " billion", " trillion"];

/** 8030261248 → "8.03 billion". */
export function countText(count: number): string {
  let step = 0;
  while (step < names.length - 1 && count >= 1000 ** (step + 1)) step++;
  const shown = count / 1000 ** step;
  return `${step === 0 ? shown : shown.toPrecision(3)}${names[step]}`;
}

/** "8.03B", as model names have it. */
export const shortCountText = (count: number) => new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(count);

export const percentText = (part: number, whole: number) =>
  part > 0 && part / whole < 0.0005 ? "<\u20090.1" : whole > 0 ? ((part / whole) * 100).toFixed(1) : "0.0";

const powers: Record<string, number> = { k: 1e3, m: 1e6, b: 1e9, t: 1e12 };

/** "4096", "4,096" and "7e9" are numbers; anything else stays text, so that the core says what is wrong with it. */
export function countOrText(text: string): number | string {
  const plain = text.trim();
  const digits = /^\d{1,3}(,\d{3})+$/.test(plain) ? plain.replaceAll(",", "") : plain.replace(/(?<=\d)[\s_](?=\d)/g, "");
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(digits) ? Number(digits) : plain;
}

/** A count of parameters as people write it: "70B", "1.5 b", "350M". */
export function parametersOrText(text: string): number | string {
  const match = /^(\d+(?:\.\d+)?)\s*([kmbt])$/i.exec(text.trim());
  // Through text, since 1.1 × 1e9 is not a whole number in binary.
  return match ? Math.round(Number(match[1]) * powers[match[2].toLowerCase()]) : countOrText(text);
}

/** A share with its sign: "+1.3 %", "−0.4 %". */
export function signedPercent(share: number): string {
  const shown = (Math.abs(share) * 100).toFixed(Math.abs(share) < 0.1 ? 2 : 1);
  return `${Number(shown) === 0 ? "±" : share < 0 ? "\u2212" : "+"}${shown}\u00a0%`;
}

/** So many a second: "8.3", "120". */
export const rateText = (perSecond: number) => (perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond)));
