// The scenario in the page's address: #scenario=<URI-encoded JSON>.
import { parseJson } from "../import/json";
import { isTree } from "./paths";
import { type Place, tellOf } from "./place";

const prefix = "#scenario=";

/** Longer addresses are cut by mail programs and chats. */
export const longestAddress = 60_000;

/** The scenario, undefined where the address has none, or null where it cannot be read. */
export function readAddress(hash: string): Record<string, unknown> | undefined | null {
  if (hash === "" || hash === "#") return undefined;
  if (!hash.startsWith(prefix)) return null;
  try {
    const scenario = parseJson(decodeURIComponent(hash.slice(prefix.length)));
    return isTree(scenario) ? scenario : null;
  } catch {
    return null;
  }
}

export const addressOf = (scenario: unknown) => prefix + encodeURIComponent(JSON.stringify(scenario));

export const linkOf = (scenario: unknown) => location.href.replace(/#.*$/, "") + addressOf(scenario);

export const addressPlace: Place = {
  read: () => readAddress(location.hash),
  /** Without an entry in the history; one too long for a link is not written. */
  write(scenario) {
    const address = addressOf(scenario);
    if (address.length <= longestAddress && address !== location.hash) history.replaceState(null, "", address);
  },
  watch(changed) {
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  },
  tell: (estimate) => tellOf(document, estimate),
};
