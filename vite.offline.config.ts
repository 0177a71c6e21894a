// The page in one file, dist/offline/gpumem.html: it opens from disk and asks for nothing.
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const hashesOf = (html: string, tag: string) =>
  [...html.matchAll(new RegExp(`<${tag}\\b[^>]*>([\\s\\S]*?)</${tag}>`, "g"))].map(([, content]) => hashOf(content)).join(" ");

/** Only what stands in the file may run; nothing may be loaded or sent. */
function sealed(): Plugin {
  return {
    name: "sealed",
    enforce: "post",
    // The page's own policy speaks of files; this one's can only be written once everything stands in it. One file is not installed.
    transformIndexHtml: { order: "pre", handler: (html) => html.replace(/<meta\s+http-equiv[^>]*>/, "").replace(/<link rel="manifest"[^>]*>/, "") },
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const page = bundle["index.html"];
        if (page?.type !== "asset") throw new Error("index.html is not in the bundle");
        const html = String(page.source);
        const policy = [
          "default-src 'none'",
          `script-src ${hashesOf(html, "script")} 'wasm-unsafe-eval'`,
          `style-src ${hashesOf(html, "style")}`,
          "img-src data:",
          "base-uri 'none'",
          "form-action 'none'",
        ].join("; ");
        const first = '<meta charset="utf-8" />';
        page.source = html.replace(first, () => `${first}<meta http-equiv="Content-Security-Policy" content="${policy}">`);
        page.fileName = "gpumem.html";
      },
    },
  };
}

export default defineConfig({
  base: "./",
  publicDir: false,
  assetsInclude: ["**/*.deflate"],
  // What the page fetches, this one has inside.
  resolve: {
    alias: [
      { find: /^.*\/fetched_inventories$/, replacement: resolve("web/src/catalog/bundled_inventories.ts") },
      { find: /^.*\/installed\/(register|documentation)$/, replacement: resolve("web/src/installed/nothing.ts") },
      // A page opened from disk starts no workers.
      { find: /^.*\/pool$/, replacement: resolve("web/src/work/here.ts") },
      { find: /^.*\/fetched_engines$/, replacement: resolve("web/src/engine/bundled_engine.ts") },
    ],
  },
  build: { target: "es2022", outDir: "dist/offline", emptyOutDir: true, modulePreload: false, reportCompressedSize: false },
  json: { stringify: true },
  plugins: [viteSingleFile(), sealed()],
});
