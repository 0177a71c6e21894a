// Texts of the printed page.
export const made = (day: Date) => `Made with gpumem on ${day.toISOString().slice(0, 10)}; sizes are computed, overheads measured.`;
