// The service worker, dist/sw.js. It knows the page's files by name, so it is built after them.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { defineConfig } from "vite";

// Inventories of model types come one by one; what other pages embed is theirs to keep.
const left = /^assets\/(architectures-|embed-)/;

const below = (folder: string) =>
  readdirSync(`dist/${folder}`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`.slice("dist/".length));

const builtFiles = ["", "manifest.webmanifest", ...below("icons"), ...below("assets").filter((file) => !left.test(file))].sort();
const version = createHash("sha256").update(builtFiles.map((file) => `${file}\n${readFileSync(`dist/${file || "index.html"}`).toString("base64")}`).join("\n"));

export default defineConfig({
  publicDir: false,
  define: { builtFiles: JSON.stringify(builtFiles), builtVersion: JSON.stringify(version.digest("hex").slice(0, 16)) },
  build: {
    target: "es2022",
    emptyOutDir: false,
    lib: { entry: "web/src/installed/service_worker.ts", formats: ["iife"], name: "serviceWorker", fileName: () => "sw.js" },
  },
});
