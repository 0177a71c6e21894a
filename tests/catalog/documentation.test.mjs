import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { generatedPages } from "../../scripts/generate_docs.mjs";
import { root } from "../../scripts/support/run.mjs";
import { loadEngine } from "../support/engine.mjs";

const pages = generatedPages(await loadEngine());

for (const [path, text] of Object.entries(pages))
  test(`${path} is what the catalog and the engine know; npm run docs writes it`, () => {
    assert.ok(text.length > 2000);
    assert.equal(readFileSync(join(root, path), "utf8"), text);
  });
