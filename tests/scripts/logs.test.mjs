// Start-up logs of engines, as people posted them, line by line as they stand there.
import assert from "node:assert/strict";
import test from "node:test";
import { importTypeScript } from "../support/typescript.mjs";

const { compare, longestLog, readLog } = await importTypeScript("web/src/logs/compare.ts");
const mib = (n) => Math.round(n * 2 ** 20);
const gib = (n) => Math.round(n * 2 ** 30);
const short = ({ quantity, device, bytes, count }) => [quantity, device ?? "", bytes ?? count];

test("llama.cpp in 2024 names the buffers of weights by their device alone", () => {
  // https://github.com/ggml-org/llama.cpp/pull/6122
  const { engine, readings } = readLog(`llm_load_tensors: offloaded 41/41 layers to GPU
llm_load_tensors:        CPU buffer size =  1640.62 MiB
llm_load_tensors:      CUDA0 buffer size =  5434.38 MiB
llm_load_tensors:      CUDA1 buffer size = 13989.53 MiB
llama_kv_cache_init:      CUDA0 KV buffer size =  1536.00 MiB
llama_kv_cache_init:      CUDA1 KV buffer size =  3584.00 MiB
llama_new_context_with_model: KV self size  = 5120.00 MiB, K (f16): 2560.00 MiB, V (f16): 2560.00 MiB
llama_new_context_with_model:  CUDA_Host  output buffer size =     1.95 MiB
llama_new_context_with_model:      CUDA0 compute buffer size =   672.01 MiB`);
  assert.equal(engine, "llama.cpp");
  assert.deepEqual(readings.map(short), [
    ["weights", "host", mib(1640.62)],
    ["weights", 0, mib(5434.38)],
    ["weights", 1, mib(13989.53)],
    ["kv-cache", 0, mib(1536)],
    ["kv-cache", 1, mib(3584)],
    ["workspace", "host", mib(1.95)],
    ["workspace", 0, mib(672.01)],
  ]);
});

// Two caches of one card, and lines that a server repeats behind the number of the process that loads.
const windows = `0.00.899.520 I load_tensors:   CPU_Mapped model buffer size =   306.00 MiB
0.00.899.521 I load_tensors:        CUDA0 model buffer size =   243.76 MiB
0.01.218.542 I llama_kv_cache:      CUDA0 KV buffer size =     8.00 MiB
0.01.219.844 I llama_kv_cache:      CUDA0 KV buffer size =    30.00 MiB
0.01.231.094 I sched_reserve:      CUDA0 compute buffer size =    82.07 MiB
0.01.231.099 I sched_reserve:  CUDA_Host compute buffer size =    30.58 MiB
[12714] 0.01.218.542 I llama_kv_cache:      CUDA0 KV buffer size =     8.00 MiB
[12714] 0.01.219.844 I llama_kv_cache:      CUDA0 KV buffer size =    30.00 MiB`;

test("llama.cpp's buffers of one device add up, and a repeated line counts once", () => {
  assert.deepEqual(readLog(windows).readings.filter(({ quantity }) => quantity === "kv-cache").map(short), [["kv-cache", 0, mib(38)]]);
});

test("colours of the terminal, a second model and states of llama.cpp are no hindrance", () => {
  // The first line's form: https://github.com/ggml-org/llama.cpp/issues/27680; the last one's: pull/23792
  const draft = "load_tensors: loading model tensors, this can take a while... (mmap = true)\nload_tensors:        CUDA0 model buffer size =   40.73 MiB";
  const { readings } = readLog(`\u001b[34m1.14.610.021\u001b[0m \u001b[32mI \u001b[0mllama_kv_cache:      CUDA0 KV buffer size =   182.75 MiB
load_tensors:        CUDA0 model buffer size =   400.00 MiB
[47161] 0.15.050.780 I llama_memory_recurrent:     CUDA1 RS buffer size =   149.62 MiB
${draft}`);
  assert.deepEqual(readings.map(short), [["kv-cache", 0, mib(182.75)], ["weights", 0, mib(400)], ["recurrent-state", 1, mib(149.62)]]);
});

test("vLLM's lines are read in both engines, and what is left may be negative", () => {
  // A deployment's notes with Qwen2.5-1.5B.
  const now = readLog(`(EngineCore pid=258) INFO gpu_model_runner.py:4879 Model loading took 2.89 GiB memory and 60.297843 seconds
(EngineCore pid=258) INFO gpu_worker.py:440 Available KV cache memory: 0.56 GiB
(EngineCore pid=258) INFO kv_cache_utils.py:1708 GPU KV cache size: 20,992 tokens`);
  assert.equal(now.engine, "vllm");
  assert.deepEqual(now.readings.map(short), [["weights", "", gib(2.89)], ["kv-cache", "", gib(0.56)], ["tokens", "", 20992]]);
  // https://github.com/vllm-project/vllm/issues/12330
  const first = readLog(`INFO 01-13 11:35:21 model_runner.py:1099] Loading model weights took 14.9595 GB
INFO 01-13 11:35:23 worker.py:241] model weights take 14.96GiB; non_torch_memory takes 0.10GiB; PyTorch activation peak memory takes 9.37GiB; the rest of the memory reserved for KV Cache is 11.12GiB.
INFO 01-13 11:35:23 gpu_executor.py:80] Maximum concurrency for 8192 tokens per request: 11.12x`);
  assert.deepEqual(first.readings.map(short), [["weights", "", gib(14.9595)], ["step", "", gib(9.37)], ["kv-cache", "", gib(11.12)], ["concurrency", "", 11.12]]);
  assert.equal(readLog("Available KV cache memory: -2.81 GiB").readings[0].bytes, gib(-2.81));
});

test("SGLang's GB are GiB, its keys and values add up, and a latent cache has one size", () => {
  // https://github.com/vllm-project/vllm/issues/21348
  const both = readLog("KV Cache is allocated. #tokens: 367404, K size: 8.23 GB, V size: 8.23 GB");
  assert.deepEqual([both.engine, ...both.readings.map(short)], ["sglang", ["kv-cache", "", gib(8.23) * 2], ["tokens", "", 367404]]);
  // A guide to GLM-4.7-Flash.
  const latent = readLog(`[2026-03-11 13:53:21 TP0] Load weight end. elapsed=23.18 s, type=Glm4MoeLiteForCausalLM, avail mem=32.02 GB, mem usage=28.79 GB.
[2026-03-11 13:53:23 TP0] KV Cache is allocated. #tokens: 383872, KV size: 19.36 GB`);
  assert.deepEqual(latent.readings.map(short), [["weights", "", gib(28.79)], ["kv-cache", "", gib(19.36)], ["tokens", "", 383872]]);
});

test("TensorRT-LLM's pool is the last one that it allocates", () => {
  const { engine, readings } = readLog(`[TensorRT-LLM][INFO] [MemUsageChange] Allocated 0.56 GiB for max tokens in paged KV cache (8224).
[TensorRT-LLM][INFO] [MemUsageChange] Allocated 26.91 GiB for max tokens in paged KV cache (220480).`);
  assert.deepEqual([engine, ...readings.map(short)], ["tensorrt-llm", ["kv-cache", "", gib(26.91)], ["tokens", "", 220480]]);
});

test("each reading stands beside the figure of its device, with the difference to the log", () => {
  const components = [{ id: "weights", bytes: mib(243.76) }, { id: "kv-cache", bytes: mib(19) }, { id: "workspace", bytes: 0 }];
  const answer = { devices: [{ role: "gpu", components }, { role: "host", components: [{ id: "weights", bytes: mib(612) }] }] };
  const rows = Object.fromEntries(compare(readLog(windows), answer).map(({ quantity, device, off }) => [`${quantity} ${device}`, off]));
  assert.deepEqual(rows, { "weights host": 1, "weights 0": 0, "kv-cache 0": -0.5, "workspace 0": -1, "workspace host": -1 });
  assert.equal(compare(readLog("GPU KV cache size: 20,992 tokens"), answer)[0].ours, undefined);
});

test("what is no log, is hostile or far too long is answered soon, and with nothing", () => {
  assert.equal(readLog(""), undefined);
  assert.equal(readLog("{\"model_type\": \"llama\"}\n".repeat(1000)), undefined);
  const began = performance.now();
  const parts = ["KV Cache is allocated.", "Load weight end.", "\u001b[", "buffer size", "a ".repeat(5000), "Mamba Cache is allocated. conv_state size: "];
  for (const part of parts) readLog(part.repeat(longestLog / part.length + 10));
  assert.equal(readLog(`${"x".repeat(longestLog)}\nGPU KV cache size: 20,992 tokens`), undefined);
  assert.ok(performance.now() - began < 5000);
});
