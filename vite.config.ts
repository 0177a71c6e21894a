// The page: dist/index.html and dist/assets/.
import { defineConfig, type Plugin } from "vite";

/** The engine is the largest file and the first that is needed: its loading starts with the page's. */
function preloadEngine(): Plugin {
  return {
    name: "preload-engine",
    transformIndexHtml: {
      order: "post",
      handler: (_, { bundle }) =>
        Object.keys(bundle ?? {})
          .filter((file) => file.endsWith(".wasm"))
          .map((file) => ({ tag: "link", injectTo: "head", attrs: { rel: "preload", as: "fetch", crossorigin: "", href: `./${file}` } })),
    },
  };
}

export default defineConfig({
  base: "./",
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: false, reportCompressedSize: false },
  json: { stringify: true },
  plugins: [preloadEngine()],
});
