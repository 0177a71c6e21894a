// What inference is asked with, engine by engine: each under the name that its engine has for it.
import type { Words } from "./description";
import { count, type Field, field, flag, folded, inference, layersKnown, pipeline, sampled, serving, under, word } from "./field";
import { engineOf, is, type Values, weightGroup } from "./traits";

/** What llama.cpp offers for keys and values. */
const cacheFormats = ["fp16", "bf16", "fp32", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"];
/** What engines with one pool offer. */
const poolFormats = ["bf16", "fp16", "fp8"];
export const cacheValuesKey = "inference.kvFormat.value";

const seeing = under("transformers", "vllm", "sglang");
const pooled = under("vllm", "sglang", "tensorrt-llm");
const transformers = under("transformers");
const llamaCpp = under("llama.cpp");
const [mlx, exllama2, exllama3] = [under("mlx"), under("exllamav2"), under("exllamav3")];
const exllama = under("exllamav2", "exllamav3");
/** Formats that only one engine reads. */
const ownWeights: Record<string, string[]> = { mlx: ["mlx-"], exllamav2: ["exl2-", "gptq-4-"], exllamav3: ["exl3-"] };
const [vllm, sglang, tensorrt] = [under("vllm"), under("sglang"), under("tensorrt-llm")];
const option = (name: string) => `engine.options.${name}`;

/** Formats that the engine reads; all of them until one is chosen. */
function weightsUnder({ weights: offered, allWeights }: Words, v: Values): string[] {
  if (pipeline(v)) return ["bf16", "fp16", "fp32"];
  if (!v["engine.name"]) return offered;
  const own = ownWeights[engineOf(v)];
  if (own) return ["bf16", "fp16", ...allWeights.filter((id) => own.some((start) => id.startsWith(start)))];
  const llama = engineOf(v) === "llama.cpp";
  return offered.filter((format) => (weightGroup(format) === "gguf" ? llama : !llama || weightGroup(format) === "full"));
}

export const inferenceFields: Field[] = [
  word("engine.name", (v) => serving(v) && !is(v, "gguf"), (d) => d.engines.inference),
  word("weights", (v) => (serving(v) || pipeline(v)) && !is(v, "gguf"), (d, v) => weightsUnder(d, v)),
  word("inference.kvFormat", llamaCpp, () => cacheFormats),
  word("inference.kvFormat", pooled, () => poolFormats, { key: "pool.kvFormat" }),
  field("weights", "word", (v) => inference(v) && !layersKnown(v), { key: "count.weights", words: (d) => d.countWeights }),
  count("inference.contextTokens", serving),
  count("inference.promptTokens", (v) => transformers(v) || mlx(v)),
  count("inference.sequences", (v) => serving(v) || pipeline(v) || (inference(v) && sampled(v))),
  count("inference.width", pipeline),
  count("inference.height", pipeline),
  count("inference.frames", pipeline, { idle: (scenario) => scenario?.inference?.frames === 1 }),

  count(option("n_gpu_layers"), llamaCpp),
  count(option("n_cpu_moe"), (v) => llamaCpp(v) && is(v, "experts")),
  field("inference.memoryFraction", "number", pooled, { also: { vllm: option("gpu_memory_utilization"), sglang: option("mem_fraction_static"), "tensorrt-llm": option("free_gpu_memory_fraction") } }),
  count(option("max_model_len"), vllm),
  count(option("max_num_seqs"), vllm),
  count("inference.prefillTokens", (v) => vllm(v) || sglang(v), { key: "pool.prefillTokens", also: { vllm: option("max_num_batched_tokens"), sglang: option("chunked_prefill_size") } }),

  word("inference.attention", (v) => transformers(v) || pipeline(v), (d, v) => (pipeline(v) ? d.attention.filter((kind) => kind !== "eager") : d.attention), folded),
  word("inference.attention", llamaCpp, () => ["flash", "eager"], { key: "llama.attention", ...folded }),
  count("inference.prefillTokens", transformers, folded),
  count("inference.images", (v) => seeing(v) && is(v, "images")),
  field("inference.imageSize", "numbers", (v) => seeing(v) && is(v, "images") && Number(v["inference.images"]) > 0),
  word(option("cache_implementation"), transformers, () => ["dynamic", "static", "quantized"], folded),

  word(option("cache_mode"), exllama2, () => ["FP16", "FP8", "Q8", "Q6", "Q4"]),
  word(option("cache_mode"), exllama3, () => ["FP16", "Q8", "Q6", "Q4"], { key: "third.cache_mode" }),
  count(option("cache_size"), exllama, folded),
  count(option("kv_bits"), mlx, folded),
  count(option("max_kv_size"), mlx, folded),

  word(option("engine"), llamaCpp, () => ["llama.cpp", "ollama"], { key: "llama.engine", ...folded }),
  count("inference.prefillTokens", llamaCpp, { key: "llama.prefillTokens", ...folded }),
  count(option("n_batch"), llamaCpp, folded),
  field("inference.kvFormat", "word", llamaCpp, { key: cacheValuesKey, words: () => cacheFormats, ...folded }),
  flag(option("no_kv_offload"), llamaCpp, folded),
  flag(option("kv_unified"), llamaCpp, folded),
  flag(option("swa_full"), (v) => llamaCpp(v) && is(v, "windows"), folded),
  flag(option("imatrix"), (v) => llamaCpp(v) && weightGroup(v.weights ?? "") === "gguf", folded),

  field("inference.draft.id", "model", under("transformers", "llama.cpp", "vllm"), folded),

  flag(option("enforce_eager"), vllm, folded),
  count("parallel.data", (v) => vllm(v) && is(v, "experts"), { key: "pool.replicas", ...folded }),
  flag(option("enable_expert_parallel"), (v) => vllm(v) && is(v, "experts"), folded),
  flag(option("enable_lora"), vllm, folded),
  count(option("max_loras"), (v) => vllm(v) && v[option("enable_lora")] === "true", folded),
  count(option("max_lora_rank"), (v) => vllm(v) && v[option("enable_lora")] === "true", folded),
  count(option("block_size"), vllm, folded),
  field(option("kv_cache_memory_bytes"), "size", vllm, folded),
  count(option("cuda_graph_max_bs"), sglang, folded),
  flag(option("disable_cuda_graph"), sglang, folded),
  count(option("max_total_tokens"), sglang, folded),
  count(option("page_size"), sglang, folded),
  count("inference.prefillTokens", tensorrt, { key: "tensorrt.prefillTokens", ...folded }),
  count(option("max_tokens"), tensorrt, folded),
  count(option("tokens_per_block"), tensorrt, folded),

  flag(option("enable_model_cpu_offload"), pipeline),
  flag(option("enable_sequential_cpu_offload"), pipeline, folded),
  flag(option("vae_slicing"), pipeline),
  flag(option("vae_tiling"), pipeline),
  word(option("vae_dtype"), pipeline, () => ["bf16", "fp16", "fp32"], folded),

  field("throughput.bandwidthShare", "number", serving, folded),
  field("throughput.computeShare", "number", serving, folded),

  count("parallel.pipeline", llamaCpp, { key: "llama.gpus", place: "hardware" }),
  field(option("tensor_split"), "numbers", (v) => llamaCpp(v) && Number(v["llama.gpus"]) > 1, { place: "hardware" }),
  count("parallel.tensor", pooled, { key: "pool.gpus", place: "hardware" }),
  count("parallel.pipeline", vllm, { key: "pool.stages", place: "hardware" }),
];
