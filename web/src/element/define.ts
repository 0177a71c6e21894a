// Importing this makes <gpumem-calculator> known to the page.
import { GpumemCalculator } from "./class";

const name = "gpumem-calculator";

if (globalThis.customElements && !customElements.get(name)) customElements.define(name, GpumemCalculator);
