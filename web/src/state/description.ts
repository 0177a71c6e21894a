// The words that menus offer.
import type { Description } from "../engine/types";

export type Words = Required<Description>;

/** What the engine accepts but does not list. */
const unlisted = {
  methods: ["full", "lora", "qlora", "dora"],
  crossEntropy: ["full", "chunked"],
};

export const wordsOf = (description: Description): Words => ({ ...unlisted, ...description });
