// Texts of the comparison of scenarios.

export const hint = "Up to four side by side: what was put aside, and what is on screen. Rows that differ are marked.";
export const pin = "Put this aside";
export const same = "This is put aside already.";
export const onScreen = "On screen";
export const aside = (number: number) => `Aside ${number}`;
export const load = "Bring back";
export const drop = "Remove";
export const nothing = "Nothing is put aside yet.";
export const caption = "Scenarios side by side";
export const row = "Setting";
export const needs = "The whole process";
export const usable = "Usable";
export const fits = "Fits";
export const yes = "yes";
export const no = "no";
export const differs = "differs";
export const absent = "–";
