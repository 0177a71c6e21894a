// What reads somebody else's text or bytes: {seeds, run(input)}. Each run says what has to hold; a sentence for people is a fine answer.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/support/run.mjs";
import { loadEngine } from "../../support/engine.mjs";
import { factsOf } from "../../support/facts.mjs";
import { ggufHeader, safetensorsFile, smallConfig, smallGguf } from "../../support/model_files.mjs";
import { importTypeScript } from "../../support/typescript.mjs";

const module = (path) => importTypeScript(`web/src/${path}.ts`);
const { readGguf } = await module("import/gguf");
const { readSafetensors } = await module("import/safetensors");
const { readText } = await module("import/text");
const { hubAddress } = await module("import/hub_address");
const { readAddress, addressOf } = await module("state/address");
const { readCommand } = await module("commands/read");
const { quoted, splitCommand } = await module("commands/shell");
const { readTraining } = await module("training_configs/read");
const { readLog } = await module("logs/compare");
const { scenarioOf } = await module("element/attributes");
const engine = await loadEngine();
const models = { "meta-llama/Llama-3.1-8B": {}, "Qwen/Qwen3-4B": {} };

/** Texts of tests/fuzz/corpus/<name>/. */
const corpus = (name) => {
  const folder = join(root, "tests/fuzz/corpus", name);
  return readdirSync(folder).sort().map((file) => readFileSync(join(folder, file), "utf8"));
};

/** An estimate always comes: figures, or issues that say what is wrong. */
function answered(scenario) {
  const asked = { ...scenario, detail: "summary" };
  const answer = JSON.parse(engine.estimate(asked, factsOf(asked)));
  assert.ok(answer.ok ? answer.devices.every(({ allocatedBytes }) => allocatedBytes >= 0) : answer.issues.length > 0);
}

/** Counts what is read, as a file of which only the beginning is. */
const source = (bytes) => ({ name: "x", size: bytes.length, read: async (start, end) => new Uint8Array(bytes.subarray(start, Math.min(end, bytes.length))) });
const shapes = (tensors) => assert.ok(tensors.every(({ shape }) => shape.every((n) => Number.isSafeInteger(n) && n >= 0)));

const { header } = smallGguf({ words: 30 });
const stored = { "model.embed_tokens.weight": ["BF16", [256, 64]], "lm_head.weight": ["F8_E4M3", [256, 64]] };

export const targets = {
  gguf: {
    seeds: [header, ggufHeader({ "general.architecture": "llama", "general.size_label": "1B" }, [["a", "Q4_K", [256, 4]]])],
    async run(bytes) {
      const gguf = await readGguf(source(bytes));
      shapes(gguf.tensors);
      answered({ model: { gguf } });
    },
  },
  safetensors: {
    seeds: [safetensorsFile(stored), safetensorsFile(stored, { data: false })],
    async run(bytes) {
      const read = await readSafetensors(source(bytes));
      shapes(Object.values(read));
      answered({ model: { safetensors: { header: read, config: smallConfig } } });
    },
  },
  text: { seeds: [...corpus("configs"), ...corpus("training"), ...corpus("commands")], run: async (text) => void (await readText(text, models)) },
  address: {
    seeds: corpus("scenarios").map((text) => addressOf(JSON.parse(text))),
    run(hash) {
      const scenario = readAddress(hash);
      if (!scenario) return;
      assert.deepEqual(readAddress(addressOf(scenario)), scenario);
      answered(scenario);
    },
  },
  command: {
    seeds: corpus("commands"),
    run(text) {
      const words = splitCommand(text);
      if (!words.some((word) => word.includes("\0"))) assert.deepEqual(splitCommand(words.map(quoted).join(" ")), words);
      const { scenario, notes } = readCommand(text, models);
      assert.ok(notes.every((note) => typeof note === "string" && note.length < 5000));
      answered(scenario);
    },
  },
  training: {
    seeds: corpus("training"),
    run(text) {
      const given = readTraining(text, models);
      if (given) answered({ model: { id: "meta-llama/Llama-3.1-8B" }, ...given.scenario });
    },
  },
  log: {
    seeds: corpus("logs"),
    run(text) {
      for (const { bytes, count } of readLog(text)?.readings ?? []) assert.ok(Number.isFinite(bytes ?? count));
    },
  },
  hub: { seeds: ["https://huggingface.co/Qwen/Qwen3-8B/blob/main/config.json", "hf.co/a/b", "https://modelscope.cn/models/a/b", "org/name@main"], run: (text) => void hubAddress(text) },
  attributes: {
    seeds: ["model=Qwen/Qwen3-8B;context=8192;gpus=2;method=lora", "task=training;weights=nf4;sequences=4;gpu=nvidia/rtx-4090"],
    run(text) {
      const given = Object.fromEntries(text.split(";").map((part) => part.split("=")));
      answered(scenarioOf((name) => (Object.hasOwn(given, name) ? given[name] ?? "" : null)) ?? {});
    },
  },
  // The core's own target of configurations has no catalog's inventories.
  config: {
    seeds: corpus("configs"),
    run(text) {
      let config;
      try {
        config = JSON.parse(text);
      } catch {
        return;
      }
      answered({ model: { config } });
      answered({ model: { config }, task: "training" });
    },
  },
};
