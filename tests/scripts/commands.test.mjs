// Commands that start engines: written for a scenario, read back into one, and as people write them.
import assert from "node:assert/strict";
import test from "node:test";
import { importTypeScript } from "../support/typescript.mjs";

const { commandOf } = await importTypeScript("web/src/commands/write.ts");
const { readCommand } = await importTypeScript("web/src/commands/read.ts");
const { splitCommand, quoted } = await importTypeScript("web/src/commands/shell.ts");
const model = { id: "meta-llama/Llama-3.1-8B" };
const models = { "meta-llama/Llama-3.1-8B": {}, "Qwen/Qwen3-4B": {} };
const task = "inference";

const written = (scenario) => commandOf(scenario, scenario);

const scenarios = [
  { model, task, weights: "Q4_K_M", engine: { name: "llama.cpp", options: { kv_unified: true, n_batch: 1024, n_cpu_moe: 3, n_gpu_layers: 20, no_kv_offload: true, swa_full: true, tensor_split: [3, 1] } }, parallel: { pipeline: 2 }, inference: { contextTokens: 8192, sequences: 4, prefillTokens: 256, attention: "eager", kvFormat: "q8_0", offload: { experts: true } } },
  { model, task, weights: "bf16", engine: { name: "llama.cpp" }, inference: { contextTokens: 4096, sequences: 1, kvFormat: { key: "q8_0", value: "q4_0" } } },
  { model, task, weights: "fp8", engine: { name: "vllm", options: { max_num_seqs: 64, enforce_eager: true, block_size: 32, enable_prefix_caching: false, num_gpu_blocks_override: 1000, enable_lora: true, max_loras: 4, max_lora_rank: 32 } }, parallel: { tensor: 4 }, inference: { contextTokens: 16384, kvFormat: "fp8", memoryFraction: 0.85, prefillTokens: 4096 } },
  { model, task, engine: { name: "vllm" }, inference: { contextTokens: 2048 } },
  { model, task, weights: "fp16", engine: { name: "sglang", options: { page_size: 16, disable_cuda_graph: true, cuda_graph_max_bs: 8, max_total_tokens: 50000 } }, parallel: { tensor: 2 }, inference: { contextTokens: 32768, memoryFraction: 0.8, prefillTokens: 2048, kvFormat: "fp8" } },
  { model, task, engine: { name: "tensorrt-llm" }, parallel: { tensor: 8 }, inference: { contextTokens: 8192, memoryFraction: 0.9, prefillTokens: 8192, kvFormat: "fp8" } },
];
for (const scenario of scenarios) {
  const { name } = scenario.engine;
  test(`what a ${name} command says comes back: ${written(scenario).command.slice(0, 60)} …`, () => {
    const { scenario: read, notes } = readCommand(written(scenario).command, models);
    assert.deepEqual(read, scenario);
    assert.deepEqual(notes, []);
  });
}

const read = (command) => readCommand(command, models);

test("a vllm command as people write it: a short name, thousands, underscores, an equals sign", () => {
  const { scenario, notes } = read("CUDA_VISIBLE_DEVICES=0,1 vllm serve 'qwen3-4b' --host 0.0.0.0 --max_model_len=32k -tp 2 \\\n  --kv-cache-dtype auto --trust-remote-code # fast");
  assert.deepEqual(scenario, { model: { id: "Qwen/Qwen3-4B" }, task, engine: { name: "vllm" }, inference: { contextTokens: 32000 }, parallel: { tensor: 2 } });
  assert.deepEqual(notes.length, 1);
  assert.match(notes[0], /--host, --trust-remote-code/);
  assert.equal(read("python3 -m vllm.entrypoints.openai.api_server --model Qwen/Qwen3-4B --max-model-len 32K").scenario.inference.contextTokens, 32768);
});

test("llama.cpp's context is that of all slots together, and the file's name says its type", () => {
  const { scenario } = read("$ ./build/bin/llama-server -m /models/Llama-3.1-8B-Q5_K_M.gguf -c 32768 -np 4 -ngl 99 -fa on -ctk q8_0 -ctv q8_0");
  assert.deepEqual(scenario, { model, task, weights: "Q5_K_M", engine: { name: "llama.cpp" }, inference: { contextTokens: 8192, sequences: 4, attention: "flash", kvFormat: "q8_0" } });
  const other = read("llama-server -hf bartowski/Llama-3.1-8B-GGUF:IQ4_XS -ngl 20").scenario;
  assert.deepEqual([other.model.id, other.weights, other.engine.options.n_gpu_layers], ["meta-llama/Llama-3.1-8B", "IQ4_XS", 20]);
  assert.equal(read("llama-server -m a.gguf -c 10001 -np 2").scenario.engine.options.n_ctx, 10001);
});

test("Ollama's variables and a Modelfile's parameters are llama.cpp's options, and come back", () => {
  const scenario = { model, task, weights: "Q4_K_M", engine: { name: "llama.cpp", options: { engine: "ollama", n_gpu_layers: 20 } }, inference: { contextTokens: 8192, sequences: 4, attention: "flash", kvFormat: "q8_0", prefillTokens: 256 } };
  const { command, notes } = written(scenario);
  assert.equal(command, `OLLAMA_NUM_PARALLEL=4 OLLAMA_KV_CACHE_TYPE=q8_0 OLLAMA_FLASH_ATTENTION=1 ollama serve &
cat > Modelfile <<'END'
FROM ./Llama-3.1-8B-Q4_K_M.gguf
PARAMETER num_ctx 8192
PARAMETER num_gpu 20
PARAMETER num_batch 256
END
ollama create llama-3.1-8b-q4_k_m -f Modelfile`);
  assert.deepEqual(notes, []);
  assert.deepEqual(read(command), { scenario, notes: [] });
  const lost = written({ ...scenario, engine: { name: "llama.cpp", options: { engine: "ollama", swa_full: true } }, inference: { kvFormat: { key: "q8_0", value: "q4_0" } } });
  assert.match(lost.notes[0], /swa_full, kvFormat/);
  assert.doesNotMatch(lost.command, /KV_CACHE/);
});

test("Ollama as people write it: a tag of its library, a file's, variables of a service, what is not set", () => {
  const options = { name: "llama.cpp", options: { engine: "ollama" } };
  const short = read("$ ollama run --verbose llama3.1:8b");
  assert.deepEqual(short.scenario, { model, task, engine: options });
  assert.equal(short.notes.length, 2);
  assert.match(short.notes[0], /num_ctx/);
  const hub = read("OLLAMA_CONTEXT_LENGTH=16384 OLLAMA_KEEP_ALIVE=5m ollama run hf.co/bartowski/Llama-3.1-8B-GGUF:Q5_K_M");
  assert.deepEqual(hub.scenario, { model, task, weights: "Q5_K_M", engine: options, inference: { contextTokens: 16384 } });
  assert.match(hub.notes[0], /OLLAMA_KEEP_ALIVE\.$/);
  const service = read('[Service]\nEnvironment="OLLAMA_KV_CACHE_TYPE=q4_0"\nEnvironment="OLLAMA_FLASH_ATTENTION=false"\nEnvironment="OLLAMA_NUM_PARALLEL=0"');
  assert.deepEqual(service.scenario.inference, { kvFormat: "q4_0", attention: "eager" });
  const file = read("# my model\nFROM qwen3:4b-q8_0\nparameter num_ctx 4096\nPARAMETER num_gpu 999\nPARAMETER temperature 1\nSYSTEM You're it");
  assert.deepEqual(file.scenario, { model: { id: "Qwen/Qwen3-4B" }, task, weights: "Q8_0", engine: options, inference: { contextTokens: 4096 } });
  assert.match(file.notes[0], /temperature\.$/);
});

test("what a command cannot say is named", () => {
  const scenario = { model, task, weights: "nvfp4", engine: { name: "vllm", options: { kv_cache_scheme: 1, max_model_len: 100 } } };
  const { notes } = written(scenario);
  assert.equal(notes.length, 2);
  assert.match(notes[1], /kv_cache_scheme\.$/);
  assert.equal(commandOf({ model, task }, { model, engine: { name: "transformers" } }), undefined);
  // A server would take the longest that the model was made for, and not the default of the answer.
  assert.match(commandOf({ model, task }, { model, engine: { name: "vllm" }, inference: { contextTokens: 4096 } }).command, /--max-model-len 4096$/);
});

test("other commands, hostile ones and none at all are refused with a sentence, and nothing is run", () => {
  for (const command of ["", "rm -rf /", "\\", "'", "x".repeat(30_000)]) assert.throws(() => read(command), /\.$/);
  const odd = read("vllm serve __proto__ --max-model-len constructor --__proto__ 1 --quantization toString");
  assert.deepEqual([odd.scenario.model.id, odd.scenario.weights, odd.scenario.inference], ["__proto__", undefined, undefined]);
  assert.equal({}.polluted, undefined);
});

test("words are cut and quoted as a shell does", () => {
  for (const words of [["a b", "it's", "$HOME", "c"], ["x=1", "\"", "\\"]]) assert.deepEqual(splitCommand(words.map(quoted).join(" ")), words);
  assert.deepEqual(splitCommand('a "b \\" c"d \'e\'\\\n f # g\nh'), ["a", 'b " cd', "e", "f", "h"]);
});

const trainings = [
  { training: { method: "full", microBatch: 2, gradientAccumulation: 8, sequenceTokens: 4096, checkpointing: "full", kernels: "liger", optimizer: "adamw", optimizerStep: "fused", precision: "bf16-amp" } },
  { training: { method: "dora", lora: { rank: 32, dropout: 0.05, targets: ["q_proj", "v_proj"] }, microBatch: 1, gradientAccumulation: 1, sequenceTokens: 2048, checkpointing: "none", kernels: "torch", optimizer: "adafactor" } },
  { weights: "nf4", training: { method: "qlora", lora: { rank: 16, dropout: 0, targets: ["all-linear"] }, microBatch: 4, gradientAccumulation: 1, sequenceTokens: 1024, checkpointing: "full", kernels: "torch", optimizer: "paged-adamw-8bit" } },
];
for (const one of trainings) {
  test(`arguments of the Trainer for ${one.training.method} come back`, () => {
    const scenario = { task: "training", ...one };
    const { scenario: back } = read(commandOf({ model, ...scenario }, { model, ...scenario }).command);
    if (back.training.method === undefined) back.training.method = "full";
    assert.deepEqual(back, scenario);
  });
}

test("arguments of a trainer are read from YAML, JSON and a command line", () => {
  const yaml = "micro_batch_size: 2\nsequence_len: 8192\ngradient_checkpointing: true\noptim: adamw_bnb_8bit\nlora_r: 64\nlora_dropout: 0.1\nload_in_4bit: true\nbnb_4bit_use_double_quant: true\n";
  const made = { method: "qlora", microBatch: 2, sequenceTokens: 8192, checkpointing: "full", optimizer: "adamw-8bit", lora: { rank: 64, dropout: 0.1 } };
  assert.deepEqual(read(yaml).scenario, { task: "training", training: made });
  assert.deepEqual(read('{"per_device_train_batch_size": 4, "bf16": true, "learning_rate": 2e-5}').scenario.training, { microBatch: 4, precision: "bf16-amp" });
  assert.deepEqual(read("python train.py --per_device_train_batch_size 4 --optim sgd --output_dir r").scenario.training, { microBatch: 4, optimizer: "sgd" });
});
