// Texts of the calculator within other pages, and of how to get it there.

export const parts = "What is alive at the peak, and what is assumed";
export const open = "All of it in gpumem";
export const modelBy = (count = "") => (count ? `${count} parameters` : "The config.json that the scenario holds");
export const unreadable = (why: string) => `No scenario can be read here. ${why}`;
export const noObject = "It has to be a JSON object.";
export const noStart = "The calculator could not start here.";
