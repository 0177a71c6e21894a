// The command line: one file that node runs, with the engine, the catalog and its packages inside.
import { chmodSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vite";

const folder = "dist/cli";
const file = "gpumem.mjs";
// A bundle is a copy: what is inside keeps its notice.
const banner = "#!/usr/bin/env node\n// Contains commander, Copyright (c) 2011 TJ Holowaychuk <tj@vision-media.ca>, under the MIT licence, and yaml, Copyright Eemeli Aro <eemeli@gmail.com>, under the ISC licence.";

export default defineConfig({
  publicDir: false,
  // Without this, vite takes ?inline for images and fonts only.
  assetsInclude: ["**/*.wasm", "**/*.deflate"],
  json: { stringify: true },
  plugins: [{ name: "executable", writeBundle: () => chmodSync(resolve(folder, file), 0o755) }],
  ssr: { noExternal: true },
  build: {
    ssr: "web/src/cli/main.ts",
    outDir: folder,
    emptyOutDir: false,
    target: "node20",
    rolldownOptions: { output: { entryFileNames: file, banner, codeSplitting: false } },
  },
});
