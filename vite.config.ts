// The page: dist/index.html and dist/assets/.
import { cpSync, readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** The small engine comes right after the page: its loading starts early, and takes nothing from what the first answer needs. */
function preloadEngine(): Plugin {
  return {
    name: "preload-engine",
    transformIndexHtml: {
      order: "post",
      handler: (_, { bundle }) =>
        Object.keys(bundle ?? {})
          .filter((file) => /\bfirst-.*\.wasm$/.test(file))
          .map((file) => ({ tag: "link", injectTo: "head", attrs: { rel: "preload", as: "fetch", fetchpriority: "low", crossorigin: "", href: `./${file}` } })),
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

interface Modules {
  getModuleInfo: (id: string) => { isEntry: boolean; importers: readonly string[] } | null;
}

/** What the first answer needs is one file: pieces would be packed, and asked for, one by one. */
function neededFirst(id: string, modules: Modules, seen = new Set<string>()): boolean {
  const info = modules.getModuleInfo(id);
  if (!info || seen.has(id)) return false;
  seen.add(id);
  return info.isEntry || info.importers.some((importer) => neededFirst(importer, modules, seen));
}
const groupOf = (id: string, modules: Modules) => (!/\.html$/.test(id) && neededFirst(id, modules) ? "first" : null);

// What comes later has a folder of its own; its styles stand beside it by name.
const chunkFileNames = ({ name }: { name: string }) => `assets/${name === "first" ? "" : "later/"}[name]-[hash].js`;

export default defineConfig({
  base: "./",
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: false, reportCompressedSize: false, rolldownOptions: { output: { chunkFileNames, codeSplitting: { groups: [{ name: groupOf }] } } } },
  worker: { format: "es", rolldownOptions: { output: { entryFileNames: "assets/later/[name]-[hash].js", chunkFileNames: "assets/later/[name]-[hash].js" } } },
  json: { stringify: true },
  plugins: [preloadEngine(), inventories()],
});
