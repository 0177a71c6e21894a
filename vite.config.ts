// The page: dist/index.html and dist/assets/.
import { cpSync, readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** The engine is the largest file and the first that is needed: its loading starts with the page's. */
function preloadEngine(): Plugin {
  return {
    name: "preload-engine",
    transformIndexHtml: {
      order: "post",
      handler: (_, { bundle }) =>
        Object.keys(bundle ?? {})
          .filter((file) => /\bfirst-.*\.wasm$/.test(file))
          .map((file) => ({ tag: "link", injectTo: "head", attrs: { rel: "preload", as: "fetch", crossorigin: "", href: `./${file}` } })),
    },
  };
}

/** Inventories lie beside the list of them, a file each: a visitor needs two or three of eight hundred. */
function inventories(): Plugin {
  return {
    name: "inventories",
    writeBundle() {
      const { version, types } = JSON.parse(readFileSync("build/catalog/architectures.list.json", "utf8"));
      for (const type of types) cpSync(`build/catalog/architectures/${type}.json`, `dist/assets/architectures-${version}/${type}.json`);
    },
  };
}

export default defineConfig({
  base: "./",
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: false, reportCompressedSize: false },
  json: { stringify: true },
  plugins: [preloadEngine(), inventories()],
});
