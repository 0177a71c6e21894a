import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { path, supported } from "../../scripts/generate_docs.mjs";
import { readCatalog } from "../../scripts/support/catalog.mjs";
import { loadEngine } from "../support/engine.mjs";

test("docs/supported.md is what the catalog and the engine know; npm run docs writes it", async () => {
  const engine = await loadEngine();
  const { architectures } = JSON.parse(engine.describe());
  assert.ok(architectures.includes("llama"));
  assert.equal(readFileSync(path, "utf8"), supported(readCatalog(), architectures));
});
