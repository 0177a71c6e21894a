// Files of models for tests: headers as the formats have them, and nothing behind.

const long = (n) => Buffer.from(BigUint64Array.of(BigInt(n)).buffer);
const int = (n) => Buffer.from(Uint32Array.of(n).buffer);
const text = (s) => Buffer.concat([long(Buffer.byteLength(s)), Buffer.from(s)]);
const types = { F32: 0, F16: 1, Q8_0: 8, Q4_K: 12 };

/** metadata: {key: number (an integer) | text | list of texts}; tensors: [[name, type, shape]]. */
export function ggufHeader(metadata, tensors, { version = 3, count = tensors.length } = {}) {
  const value = (v) => (typeof v === "number" ? [int(4), int(v)] : typeof v === "string" ? [int(8), text(v)] : [int(9), int(8), long(v.length), ...v.map(text)]);
  const entries = Object.entries(metadata);
  return Buffer.concat([
    Buffer.from("GGUF"), int(version), long(count), long(entries.length),
    ...entries.flatMap(([key, v]) => [text(key), ...value(v)]),
    ...tensors.flatMap(([name, type, shape]) => [text(name), int(shape.length), ...shape.map(long), int(types[type] ?? type), long(0)]),
  ]);
}

/** A llama of these sizes, every matrix in `type`. */
export function smallGguf({ layers = 2, hidden = 256, feed = 512, words = 1000, type = "Q8_0" } = {}) {
  const metadata = {
    "general.architecture": "llama", "general.name": "small", "llama.block_count": layers, "llama.embedding_length": hidden, "llama.feed_forward_length": feed,
    "llama.attention.head_count": 4, "llama.attention.head_count_kv": 2, "llama.context_length": 4096, "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.tokens": Array.from({ length: words }, (_, i) => `word${i}`),
  };
  const layer = (i) => [["attn_q", [hidden, hidden]], ["attn_k", [hidden, hidden / 2]], ["attn_v", [hidden, hidden / 2]], ["attn_output", [hidden, hidden]],
    ["ffn_gate", [hidden, feed]], ["ffn_up", [hidden, feed]], ["ffn_down", [feed, hidden]]].map(([name, shape]) => [`blk.${i}.${name}.weight`, type, shape]);
  const tensors = [["token_embd.weight", type, [hidden, words]], ...Array.from({ length: layers }, (_, i) => layer(i)).flat(), ["output_norm.weight", "F32", [hidden]], ["output.weight", type, [hidden, words]]];
  return { header: ggufHeader(metadata, tensors), tensors, numbers: tensors.reduce((sum, [, , shape]) => sum + shape.reduce((a, b) => a * b, 1), 0) };
}

const widths = { F32: 4, BF16: 2, F16: 2, I32: 4, F8_E4M3: 1 };

/** tensors: {name: [dtype, shape]}; the bytes of a file, its data all zeros. */
export function safetensorsFile(tensors, { data = true } = {}) {
  let at = 0;
  const header = { __metadata__: { format: "pt" } };
  for (const [name, [dtype, shape]] of Object.entries(tensors)) {
    const bytes = shape.reduce((a, b) => a * b, widths[dtype]);
    header[name] = { dtype, shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const json = Buffer.from(JSON.stringify(header));
  return Buffer.concat([long(json.length), json, ...(data ? [Buffer.alloc(at)] : [])]);
}

export const smallConfig = { model_type: "llama", hidden_size: 64, intermediate_size: 128, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, vocab_size: 256, max_position_embeddings: 512, tie_word_embeddings: false, dtype: "bfloat16" };

/** The tensors of `smallConfig`, in two shards. */
export function smallShards(dtype = "BF16") {
  const layer = (i) => ({
    q_proj: [64, 64], k_proj: [32, 64], v_proj: [32, 64], o_proj: [64, 64],
    gate_proj: [128, 64], up_proj: [128, 64], down_proj: [64, 128], input_layernorm: [64], post_attention_layernorm: [64],
  });
  const named = (i) => Object.fromEntries(Object.entries(layer(i)).map(([name, shape]) => {
    const module = /norm/.test(name) ? name : /gate|up|down/.test(name) ? `mlp.${name}` : `self_attn.${name}`;
    return [`model.layers.${i}.${module}.weight`, [dtype, shape]];
  }));
  const first = { "model.embed_tokens.weight": [dtype, [256, 64]], ...named(0) };
  const second = { ...named(1), "model.norm.weight": [dtype, [64]], "lm_head.weight": [dtype, [256, 64]] };
  const files = { "model-00001-of-00002.safetensors": first, "model-00002-of-00002.safetensors": second };
  const weight_map = Object.fromEntries(Object.entries(files).flatMap(([file, tensors]) => Object.keys(tensors).map((name) => [name, file])));
  return { files, index: { metadata: {}, weight_map } };
}
