// The calculator for other pages: dist/element/, and dist/embed.html, which is that element in a page for an iframe.
import { resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";

const sheet = JSON.stringify(resolve("web/src/element/sheet.ts"));

/** A component's styles go into the element's own sheet instead of into a file that a shadow root would not see. */
function stylesInside(): Plugin {
  return {
    name: "styles-inside",
    enforce: "pre",
    transform(code, id) {
      if (/\/web\/src\/(app\/base|element\/.*)\.css\?inline$/.test(id)) return { code: forShadow(code), map: null };
      if (!id.endsWith(".tsx")) return undefined;
      let count = 0;
      const moved = code.replace(/^import ("\..*\.css)";$/gm, (_, file) => `import styles${++count} from ${file}?inline";`);
      const added = Array.from({ length: count }, (_, i) => `addStyles(styles${i + 1});`).join("");
      return count > 0 ? { code: `import { addStyles } from ${sheet};${moved}\n${added}`, map: null } : undefined;
    },
  };
}

/** The page's names become the element's: what it is set in, and its colours, which the other page may choose. */
function forShadow(css: string): string {
  return css
    .replace(/^:root {\n([^}]*)}/m, (_, names) => `:host {\n${names.replace("color-scheme: light dark;", "").replace(/--(\w+): ([^;]*);/g, "--$1: var(--gpumem-$1, $2);")}}`)
    .replace(/^:root\[[^}]*}/gm, "")
    .replace(/^body {/m, ":host {")
    .replace(/(font: \S+) ([^;]*);/, "$1 var(--gpumem-font, $2);");
}

export default defineConfig({
  base: "./",
  publicDir: false,
  build: {
    target: "es2022",
    // light-dark() as it is: rewritten for older browsers, it would not follow the other page.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: {
      input: { "gpumem-calculator": "web/src/element/define.ts", class: "web/src/element/class.ts", embed: "embed.html" },
      preserveEntrySignatures: "strict",
      // Pages name these two; whatever else there is has a name that changes with it.
      output: { entryFileNames: ({ name }) => (name === "embed" ? "element/embed-[hash].js" : "element/[name].js"), chunkFileNames: "element/[name]-[hash].js" },
    },
  },
  json: { stringify: true },
  plugins: [stylesInside()],
});
