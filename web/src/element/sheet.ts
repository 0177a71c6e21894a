// The styles of the components, for a shadow root: the build hands over each file where a component imports it.

const parts: string[] = [];
let made: CSSStyleSheet | undefined;

export const addStyles = (css: string): void => void parts.push(css);

/** One for every element of the page. Made by script, it needs no exception in a page's policy on styles. */
export function sheet(): CSSStyleSheet {
  if (!made) {
    made = new CSSStyleSheet();
    made.replaceSync(parts.join("\n"));
  }
  return made;
}
