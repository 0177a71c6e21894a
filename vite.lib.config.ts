// The npm library: one module with the engine and the catalog inside, and its types.
import { defineConfig } from "vite";
import { writeTypes } from "./scripts/library_types.mjs";

export default defineConfig({
  publicDir: false,
  // Without this, vite takes ?inline for images and fonts only.
  assetsInclude: ["**/*.wasm", "**/*.deflate"],
  json: { stringify: true },
  plugins: [{ name: "library-types", writeBundle: () => writeTypes() }],
  build: {
    outDir: "dist/lib",
    emptyOutDir: false,
    target: "es2022",
    lib: { entry: "web/src/lib/index.ts", formats: ["es"], fileName: () => "index.js" },
  },
});
