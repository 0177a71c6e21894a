// Markdown to the HTML of the documentation: nothing in a text can become an element of its own.
import { Marked } from "marked";

export const escaped = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** The id of a heading, as it is linked to. */
export const slug = (text) =>
  text.toLowerCase().replace(/<[^>]*>|&#?\w+;/g, "").replace(/[^\p{L}\p{N}\s-]/gu, "").trim().replace(/\s+/g, "-");

/** Other pages are Markdown where they are read in the repository, and HTML here. */
const addressOf = (href) => (/^[a-z][a-z0-9+.-]*:/i.test(href) ? (/^https?:/i.test(href) ? href : undefined) : href.replace(/\.md(?=$|#)/, ".html"));

export function htmlOf(markdown) {
  const taken = new Map();
  const marked = new Marked({
    renderer: {
      html: ({ text }) => escaped(text),
      heading({ tokens, depth }) {
        const inner = this.parser.parseInline(tokens);
        const base = slug(inner), again = taken.get(base) ?? 0;
        taken.set(base, again + 1);
        const id = again === 0 ? base : `${base}-${again}`;
        return `<h${depth} id="${id}">${inner}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const address = addressOf(href), inner = this.parser.parseInline(tokens);
        return address === undefined ? inner : `<a href="${escaped(address)}">${inner}</a>`;
      },
      image: ({ text }) => escaped(text),
      table(token) {
        const cells = (row, tag) => row.map(({ tokens }, i) => `<${tag}${token.align[i] === "right" ? ' class="number"' : ""}>${this.parser.parseInline(tokens)}</${tag}>`).join("");
        const body = token.rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("\n");
        // Wide tables scroll by themselves, and by the keyboard too.
        return `<div class="table" tabindex="0"><table><thead><tr>${cells(token.header, "th")}</tr></thead><tbody>\n${body}\n</tbody></table></div>\n`;
      },
    },
  });
  return marked.parse(markdown, { async: false });
}
