// Texts about a new release.

export const ready = "A newer release of this page is ready.";
export const take = "Load it";
export const later = "Later";
