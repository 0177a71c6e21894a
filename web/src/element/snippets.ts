// What to put into another page: the element, and the iframe for where no script of ours may run.
import type { Scenario } from "../engine/types";
import { addressOf } from "../state/address";
import * as text from "../text/embed";
import { attributesOf } from "./attributes";

const escaped = (value: string) => value.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** `home`: where the built files lie, with a slash at its end. */
export function elementSnippet(scenario: Scenario, home: string): string {
  const attributes = Object.entries(attributesOf(scenario)).map(([name, value]) => ` ${name}="${escaped(value)}"`);
  return `<script type="module" src="${escaped(home)}element/gpumem-calculator.js"></script>
<gpumem-calculator${attributes.join("")}>
  <a href="${escaped(home + addressOf(scenario))}">${text.fallback}</a>
</gpumem-calculator>`;
}

export function frameSnippet(scenario: Scenario, home: string): string {
  return `<iframe src="${escaped(`${home}embed.html${addressOf(scenario)}`)}" title="${text.frameTitle}" width="100%" height="560" loading="lazy"></iframe>
<script>
  addEventListener("message", ({ data, source }) => {
    if (data?.type !== "gpumem-resize") return;
    for (const frame of document.querySelectorAll("iframe")) if (frame.contentWindow === source) frame.height = data.height;
  });
</script>`;
}
