// Texts of the calculator within other pages, and of how to get it there.

export const parts = "What is alive at the peak, and what is assumed";
export const open = "All of it in gpumem";
export const modelBy = (count = "") => (count ? `${count} parameters` : "The config.json that the scenario holds");
export const unreadable = (why: string) => `No scenario can be read here. ${why}`;
export const noObject = "It has to be a JSON object.";
export const noStart = "The calculator could not start here.";

export const fallback = "GPU memory of this model";
export const frameTitle = "GPU memory calculator";
export const asElement = "As an element";
export const elementNote = "Its answer is an event of the page, its colours are yours. A page with a policy allows script-src 'wasm-unsafe-eval' and this address in script-src and connect-src.";
export const asFrame = "As an iframe";
export const frameNote = "Nothing of it runs in your page; the script only gives the frame its height.";
export const copy = "Copy";
export const onlyServed = "Other pages can embed this page where a server has it, not this file.";
