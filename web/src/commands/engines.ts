// The commands that start each engine's server.
import { setAt, takeAt, valueAt } from "../state/paths";
import * as text from "../text/commands";
import { cacheDtypes, dtypes, type EngineCommand, flag, number, option, quantizations, type Tree, word } from "./flag";

export const ggmlTypes: Record<string, string> = Object.fromEntries([["f16", "fp16"], ["f32", "fp32"], ...["bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"].map((name) => [name, name])]);
const fileType = /[-._:](I?Q\d\w*|BF16|F16|F32|MXFP4\w*)(?=[-._]|$)/i;
const plainFiles: Record<string, string> = { BF16: "bf16", F16: "fp16", F32: "fp32" };
const everyLayer = 999;

export const llamaCpp: EngineCommand = {
  engine: "llama.cpp",
  start: ["llama-server"],
  starts: [["llama-server"], ["llama-cli"], ["llama-bench"], ["llama", "serve"]],
  model: ["-m", "--model", "-hf", "--hf-repo"],
  flags: [
    number("total", "-c", "--ctx-size"),
    number("inference.sequences", "-np", "--parallel"),
    number(option("n_gpu_layers"), "-ngl", "--gpu-layers", "--n-gpu-layers"),
    number("inference.prefillTokens", "-ub", "--ubatch-size"),
    number(option("n_batch"), "-b", "--batch-size"),
    word("keys", ggmlTypes, "-ctk", "--cache-type-k"),
    word("values", ggmlTypes, "-ctv", "--cache-type-v"),
    word("inference.attention", { on: "flash", off: "eager", "1": "flash", "0": "eager" }, "-fa", "--flash-attn"),
    { names: ["-ts", "--tensor-split"], path: option("tensor_split"), kind: "numbers" },
    word(option("split_mode"), { layer: "layer", row: "row", none: "none" }, "-sm", "--split-mode"),
    number(option("n_cpu_moe"), "-ncmoe", "--n-cpu-moe"),
    flag("inference.offload.experts", "-cmoe", "--cpu-moe"),
    flag(option("no_kv_offload"), "-nkvo", "--no-kv-offload"),
    flag(option("kv_unified"), "-kvu", "--kv-unified"),
    flag(option("swa_full"), "--swa-full"),
  ],
  prepare(scenario) {
    const sequences = Number(valueAt(scenario, "inference.sequences") ?? 1);
    const context = valueAt(scenario, "inference.contextTokens");
    const total = valueAt(scenario, option("n_ctx")) ?? (typeof context === "number" ? context * sequences : undefined);
    const format = valueAt(scenario, "inference.kvFormat");
    const keys = typeof format === "string" ? format : (valueAt(format, "key") ?? valueAt(scenario, option("cache_type_k")));
    const values = typeof format === "string" ? format : (valueAt(format, "value") ?? valueAt(scenario, option("cache_type_v")));
    const made = structuredClone({ ...scenario, total, keys, values });
    // Some versions place nothing on the GPU unless they are told to.
    if (valueAt(made, option("n_gpu_layers")) === undefined) setAt(made, option("n_gpu_layers"), everyLayer);
    return made;
  },
  finish(scenario) {
    const slots = Number(valueAt(scenario, "inference.sequences") ?? 1);
    const total = Number(takeAt(scenario, "total"));
    if (total > 0) {
      setAt(scenario, "inference.contextTokens", Math.max(1, Math.floor(total / slots)));
      if (total % slots !== 0) setAt(scenario, option("n_ctx"), total);
    }
    const [keys, values] = [takeAt(scenario, "keys"), takeAt(scenario, "values")];
    if (keys && keys === values) setAt(scenario, "inference.kvFormat", keys);
    else if (keys || values) setAt(scenario, "inference.kvFormat", { ...(keys && { key: keys }), ...(values && { value: values }) });
    if (Number(valueAt(scenario, option("n_gpu_layers"))) >= 99) takeAt(scenario, option("n_gpu_layers"));
    return total > 0 ? [] : [text.wholeContext];
  },
  nameOf: (id, { weights = "bf16" }) => `${id.split("/").at(-1)}-${Object.keys(plainFiles).find((type) => plainFiles[type] === weights) ?? weights}.gguf`,
  read(name, scenario) {
    const type = fileType.exec(name);
    if (type) scenario.weights = plainFiles[type[1].toUpperCase()] ?? type[1].toUpperCase();
    const file = (name.split(/[\\/]/).at(-1) ?? name).replace(/\.gguf$/i, "").replace(/-\d{5}-of-\d{5}$/, "");
    return file.replace(fileType, "").replace(/[-_.]GGUF$/i, "");
  },
};

const vllm: EngineCommand = {
  engine: "vllm",
  start: ["vllm", "serve"],
  starts: [["vllm", "serve"], ["vllm.entrypoints.openai.api_server"]],
  model: ["--model"],
  flags: [
    number("inference.contextTokens", "--max-model-len"),
    number(option("max_num_seqs"), "--max-num-seqs"),
    number("inference.prefillTokens", "--max-num-batched-tokens"),
    number("inference.memoryFraction", "--gpu-memory-utilization"),
    number("parallel.tensor", "--tensor-parallel-size", "-tp"),
    number("parallel.pipeline", "--pipeline-parallel-size", "-pp"),
    number("parallel.data", "--data-parallel-size", "-dp"),
    word("weights", quantizations, "--quantization", "-q"),
    word("weights", dtypes, "--dtype"),
    word("inference.kvFormat", cacheDtypes, "--kv-cache-dtype"),
    number(option("block_size"), "--block-size"),
    number(option("kv_cache_memory_bytes"), "--kv-cache-memory-bytes", "--kv-cache-memory"),
    number(option("num_gpu_blocks_override"), "--num-gpu-blocks-override"),
    word(option("mamba_ssm_cache_dtype"), { auto: "auto", float32: "float32", float16: "float16", bfloat16: "bfloat16" }, "--mamba-ssm-cache-dtype"),
    flag(option("enforce_eager"), "--enforce-eager"),
    flag(option("enable_expert_parallel"), "--enable-expert-parallel", "-ep"),
    flag(option("enable_lora"), "--enable-lora"),
    number(option("max_loras"), "--max-loras"),
    number(option("max_lora_rank"), "--max-lora-rank"),
    flag(option("disable_hybrid_kv_cache_manager"), "--disable-hybrid-kv-cache-manager"),
    { ...flag(option("enable_prefix_caching"), "--no-enable-prefix-caching"), not: true },
    { ...flag(option("async_scheduling"), "--no-async-scheduling"), not: true },
  ],
  prepare: (scenario) => engineWords(scenario, { max_model_len: "inference.contextTokens", max_num_batched_tokens: "inference.prefillTokens", gpu_memory_utilization: "inference.memoryFraction" }),
  finish: ownLength,
};

const sglang: EngineCommand = {
  engine: "sglang",
  start: ["python", "-m", "sglang.launch_server"],
  starts: [["sglang.launch_server"], ["sglang", "serve"]],
  model: ["--model-path", "--model"],
  flags: [
    number("inference.contextTokens", "--context-length"),
    number("inference.memoryFraction", "--mem-fraction-static"),
    number("parallel.tensor", "--tp-size", "--tp", "--tensor-parallel-size"),
    number("parallel.data", "--dp-size", "--dp"),
    word("weights", quantizations, "--quantization"),
    word("weights", dtypes, "--dtype"),
    word("inference.kvFormat", cacheDtypes, "--kv-cache-dtype"),
    number("inference.prefillTokens", "--chunked-prefill-size"),
    number(option("max_total_tokens"), "--max-total-tokens"),
    number(option("page_size"), "--page-size"),
    number(option("cuda_graph_max_bs"), "--cuda-graph-max-bs"),
    number(option("swa_full_tokens_ratio"), "--swa-full-tokens-ratio"),
    number(option("max_mamba_cache_size"), "--max-mamba-cache-size"),
    word(option("mamba_ssm_dtype"), { float32: "float32", bfloat16: "bfloat16", float16: "float16" }, "--mamba-ssm-dtype"),
    flag(option("disable_cuda_graph"), "--disable-cuda-graph"),
  ],
  prepare: (scenario) => engineWords(scenario, { chunked_prefill_size: "inference.prefillTokens", mem_fraction_static: "inference.memoryFraction" }),
  finish: ownLength,
};

const tensorrtLlm: EngineCommand = {
  engine: "tensorrt-llm",
  start: ["trtllm-serve"],
  starts: [["trtllm-serve", "serve"], ["trtllm-serve"]],
  model: [],
  flags: [
    number("inference.contextTokens", "--max_seq_len"),
    number("inference.prefillTokens", "--max_num_tokens"),
    number("inference.memoryFraction", "--kv_cache_free_gpu_memory_fraction", "--free_gpu_memory_fraction"),
    number("parallel.tensor", "--tp_size"),
    number("parallel.pipeline", "--pp_size"),
    word("inference.kvFormat", cacheDtypes, "--kv_cache_dtype"),
  ],
  prepare: (scenario) => engineWords(scenario, { free_gpu_memory_fraction: "inference.memoryFraction" }),
  finish: ownLength,
};

export const engineCommands = [llamaCpp, vllm, sglang, tensorrtLlm];

/** An option that a field of the scenario says as well is written once. */
function engineWords(scenario: Tree, same: Record<string, string>): Tree {
  const made = structuredClone(scenario);
  for (const [name, path] of Object.entries(same)) {
    const given = valueAt(made, option(name));
    if (given !== undefined) setAt(made, path, given);
  }
  return made;
}

/** Without a length, servers take the longest that the model was made for. */
function ownLength(scenario: Tree): string[] {
  return valueAt(scenario, "inference.contextTokens") === undefined ? [text.wholeContext] : [];
}
