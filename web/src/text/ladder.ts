// Texts of the ladder of training methods.

export const hint = "This model, length, batch and card, with each method and the usual savings on top of each other. A click takes it over.";
export const method = "Method";
export const now = "now";
export const fits = "fits";
export const fitsNot = "too much";
export const refused = "–";
export const savings: Record<string, string> = {
  none: "As it is",
  checkpointing: "+ checkpointing",
  eight: "+ 8-bit optimizer",
  fused: "+ fused loss",
};
