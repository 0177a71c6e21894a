#pragma once
// A request, read and completed with every default.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "architectures/architecture.hpp"
#include "architectures/cache_rows.hpp"
#include "architectures/image_readers.hpp"
#include "architectures/inventory.hpp"
#include "architectures/encoder_architecture.hpp"
#include "engines/gguf_header.hpp"
#include "estimate/llama_cpp_batch.hpp"
#include "estimate/llama_cpp_options.hpp"
#include "estimate/local_engines.hpp"
#include "estimate/megatron_options.hpp"
#include "estimate/safetensors_header.hpp"
#include "estimate/serving.hpp"
#include "layers/pass.hpp"
#include "layers/quantized_cache.hpp"
#include "machine/parts.hpp"
#include "placement/layout.hpp"
#include "placement/zero_options.hpp"
#include "quantization/checkpoint_quantization.hpp"
#include "quantization/mix.hpp"
#include "training/loss.hpp"

namespace gpumem {

enum class Task { inference, training };
enum class Detail { summary, timeline, tensors };
inline constexpr std::string_view known_questions[] = {"fit", "advice"};

struct InferenceScenario {
  double sequences = 1, context_tokens = 4096, prompt_tokens = 4096, prefill_tokens = 4096;
  std::string attention = "flash";
  std::string kv_format, kv_values;   ///< of keys; of values, where they differ
  bool shared_cells = false, full_windows = false;   ///< llama.cpp's kv_unified and swa_full
  bool all_logits = false;          ///< logits of every position are made, and widened
  bool own_tables = false;          ///< each layer has rotary tables of its own
  bool fixed_cache = false;
  std::optional<CacheQuantization> packed_cache;   ///< transformers' quantised cache
  double encoder_tokens = 0;        ///< what an encoder reads beside the text; 0: the model has none
  double images = 1;                ///< per sequence
  double image_width = 0, image_height = 0;   ///< as a tower beside the text sees it; 0: there is none
};

struct Pipeline;

/// What a diffusion pipeline makes.
struct DiffusionScenario {
  double width = 1024, height = 1024, frames = 1;
  bool slices = false, tiles = false;      ///< the decoder takes images one by one; in tiles
  std::string decoder_format;
};

struct LoraScenario {
  std::string kind = "lora";        ///< lora | rslora | ia3 | vera | loha | lokr | oft
  double rank = 16, dropout = 0, block = 32;
  std::vector<std::string> targets = {"q_proj", "v_proj"}, modules_to_save;
  std::string format = "fp32";
  bool query = true, key = false, value = true;   ///< LitGPT: which parts of a joint projection have adapters
};

/// Number formats of what ranks send each other.
struct ShardingScenario {
  std::string gathered, reduced;    ///< weights before a unit runs; gradients behind it
  bool reentrant = false;           ///< the checkpoints of layers, where it matters
  bool offload_parameters = false, offload_optimizer = false;   ///< to the processor's memory
  bool pinned = true;               ///< what lies there
  bool synchronised = true;         ///< each micro-batch's gradients are sent; otherwise only the last one's
  double bucket_mib = 25;           ///< of DistributedDataParallel
  bool bucket_views = false, finds_unused = false;
  ZeroOptions zero;
};

/// What lies or waits in the host's memory.
struct OffloadScenario {
  bool optimizer = false, gradients = false, activations = false;
};

/// Training by preferences or rewards.
struct RlScenario {
  std::string algorithm;            ///< dpo | kto | orpo | cpo | simpo | grpo | rloo | reward
  bool reference = false, precomputed = false;
  double completion_tokens = 0, group_size = 8;
  std::string rollout;              ///< server | colocated-vllm
  double memory_fraction = 0.3;     ///< the share of the card that vLLM takes
  bool sleeps = false;
};

struct TrainingScenario {
  std::string method = "full";      ///< full | lora | qlora | dora | prompt
  double virtual_tokens = 20;       ///< trained rows in front of every sequence
  bool averaged = false;            ///< a moving average of the weights lies beside them
  double images = 0;                ///< in each sequence
  double image_width = 0, image_height = 0;
  std::string_view vision = "frozen";   ///< frozen | projector | trained
  bool sees_both_ways = false;      ///< tokens of an image see each other both ways
  LoraScenario lora;
  LossPlan loss;
  FusedKernels fused;               ///< beside what `kernels` says
  std::string kernels = "torch";    ///< torch | liger
  int transformers_version = 5000;  ///< major · 1000 + minor
  bool wide_norms = false;          ///< norms' weights in fp32, whatever the others are in
  std::string precision = "bf16", optimizer = "adamw", optimizer_step = "fused";
  double micro_batch = 1, sequence_tokens = 2048, accumulation = 1;
  std::string attention = "flash", checkpointing = "none";   ///< none | full | selective | offload | every | modules
  int together = 1;                 ///< layers under one checkpoint
  Recomputed recomputed;            ///< modules with a checkpoint of their own
  OffloadScenario offload;
  std::optional<RlScenario> rl;
  std::string state_format;         ///< of the optimizer's states, where it is not their parameter's
  bool optimizer_in_backward = false;
  ShardingScenario sharding;
};

/// Shares of a card's printed speeds that a run reaches.
struct SpeedScenario {
  bool asked = false;               ///< tokens a second are wanted
  double bandwidth_share = 0, compute_share = 0;   ///< 0: not said
};

struct Device {
  std::string gpu;                  ///< its id in the catalog, or empty
  Bytes memory;                     ///< what is printed on the box
  std::optional<Bytes> reported;    ///< what the driver's tool shows as total
  double usable_share = 0;          ///< the most of memory shared with the processor that the system lends; 0 where it lends all
  double compute_capability = 0;
  double bandwidth = 0;             ///< of its memory, in bytes a second; 0: not known
  double half_speed = 0, single_speed = 0;   ///< operations a second on 16 and on 32 bits
  double count = 1;
};

struct Scenario {
  // The model: a decoder read from a config, its weights alone, or only a count.
  std::string model_id;
  const Document* config = nullptr;
  std::optional<Decoder> model;
  std::optional<Inventory> inventory;   ///< where there is no program for the model: its weights alone
  CacheRows cache_rows;                 ///< of the model with an inventory
  std::optional<EncoderModel> encoder_model;   ///< a model with an encoder, instead
  std::optional<ImageReader> reader;           ///< of images in prompts, where there are some
  ImageSize image_size;
  std::shared_ptr<const Scenario> draft;       ///< the small model whose tokens this one checks
  double draft_tokens = 0;                     ///< most of them at once
  std::shared_ptr<const Pipeline> pipeline;    ///< a diffusion pipeline, instead
  std::optional<double> parameters;

  Task task = Task::inference;
  std::string weights = "bf16";     ///< the id of a mix
  const Mix* mix = find_mix("bf16");
  const Format* compute = bf16;     ///< the format the model computes in, where the mix does not say it
  bool imatrix = false;
  std::vector<std::string> left_alone;
  std::string engine = "transformers", engine_version = "5";
  bool litgpt = false;                         ///< its own models and loss on plain PyTorch, with bitsandbytes before 0.43.2
  Document engine_options = Document::record();
  InferenceScenario inference;
  ServingScenario serving;          ///< of engines that serve from one pool
  LocalEngine local;                ///< mlx-lm and ExLlama
  DiffusionScenario diffusion;
  TrainingScenario training;
  RankLayout layout;
  MegatronOptions megatron;
  LlamaCppBatch llama_cpp_batch;
  LlamaCppOptions llama_cpp;
  std::optional<GgufHeader> gguf;   ///< a model given by the header of its file; its tensors are the inventory too
  const Document* gguf_given = nullptr;
  std::optional<SafetensorsHeader> safetensors;   ///< of the checkpoint's files; model or inventory are its configuration's
  const Document* safetensors_given = nullptr;
  std::string own_weights;          ///< what the checkpoint's weights are in
  bool as_stored = false;           ///< weights are what the safetensors' header has
  LayerFields layer_fields;         ///< of the model with an inventory
  std::optional<Device> device;
  SpeedScenario speed;
  std::optional<Bytes> bytes_per_sample;
  AllocatorOptions allocator;           ///< of PyTorch's allocator: expandable_segments, max_split_size_mb
  Detail detail = Detail::timeline;
  std::vector<std::string> questions;   ///< of known_questions, what is asked beside the estimate

  std::vector<Assumption> assumptions;
  /// Weights in one format that is computed with as it is.
  [[nodiscard]] bool plain() const { return plain_mix() && !(whole_engine && as_stored); }
  [[nodiscard]] bool plain_mix() const { return !whole_engine || (!mix->gguf && mix->rules == 0); }
  [[nodiscard]] const Format* weight_format() const { return plain_mix() ? base_format(*mix) : compute; }
  /// Of keys; null where the name is not known.
  [[nodiscard]] const Format* cache_format() const { return cache_format_of(inference.kv_format); }
  [[nodiscard]] const Format* cached_values() const { return inference.kv_values.empty() ? cache_format() : cache_format_of(inference.kv_values); }
  [[nodiscard]] const Format* cache_format_of(const std::string& name) const;
  /// The layers that text passes: the decoder's, or those of an encoder that stands alone.
  [[nodiscard]] const std::vector<DecoderLayer>& layers() const {
    if (!whole_engine || model) return model->layers;
    return encoder_model->decoder ? encoder_model->decoder->layers : encoder_model->encoder.layers;
  }
  [[nodiscard]] bool has_cache() const { return !whole_engine || model || encoder_model->answers(); }
};

/// llama.cpp's options spell formats in small letters, and two of them in their own way.
inline const Format* Scenario::cache_format_of(const std::string& name) const {
  if (name.empty()) return weight_format();
  if (name == "f16" || name == "f32") return name == "f16" ? fp16 : fp32;
  if (const Format* exact = find_format(name)) return exact;
  std::string upper = name;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return find_format(upper);
}

/// The engine of the first answer leaves this to the whole one.
void leave(Fields& request);
void read_weights(Fields& fields, Scenario& scenario);
/// What does not go together, once weights, engine and task are known.
void check_weights(Fields& fields, Scenario& scenario);

/// Reads a request; every issue goes to `issues`, and the scenario is of use only if there are none.
Scenario read_scenario(const Document& request, const Document& facts, std::vector<Issue>& issues);

void read_inference(Fields& fields, Scenario& scenario);
/// Images in prompts of a model that reads text, and the limits of their size.
void read_prompt_images(Fields& fields, Scenario& scenario);
void read_training_images(Fields& fields, Scenario& scenario);
void check_training_images(Fields& fields, Scenario& scenario);
void read_image_options(Fields& options, Scenario& scenario);
/// The draft model of speculative decoding, read as a scenario of its own.
void read_draft(const Document& request, const Document& facts, std::vector<Issue>& issues, Scenario& scenario);
void read_training(Fields& fields, Scenario& scenario, bool weights_given);

/// How it is spread over GPUs; the engine is known.
void read_parallel(Fields& request, Scenario& scenario);

/// Hardware and detail are known.
void read_questions(Fields& request, Scenario& scenario);

void read_checkpointing(Fields& training, Scenario& scenario);
void read_offload(Fields& training, Scenario& scenario);
void read_formats(Fields& training, Scenario& scenario);
void read_rl(Fields& training, Scenario& scenario);
void read_average(Fields& training, Scenario& scenario);
void check_rl(Fields& request, const Scenario& scenario);

/// What PYTORCH_CUDA_ALLOC_CONF can hold.
void read_allocator_options(Fields& options, Scenario& scenario);
/// transformers' caches: the growing one, the one with room for everything, the quantised one.
void read_cache_options(Fields& options, Scenario& scenario);
void check_packed_cache(Fields& request, Scenario& scenario);
/// What generation does in that version of transformers.
void read_generation_options(Fields& options, Scenario& scenario);
/// Options of training code, by the names they have there.
void read_training_options(Fields& options, Scenario& scenario);

/// Megatron-LM's options, what it computes again, and what does not go together.
void read_megatron_options(Fields& options, Scenario& scenario);
void read_megatron_modules(Fields& fields, std::string_view name, const Document& modules, Scenario& scenario);
void read_megatron_checkpointing(Fields& training, Scenario& scenario);
void read_megatron_weights(Fields& training, Scenario& scenario, bool given);
void check_megatron(Fields& request, Scenario& scenario);
/// How a training is spread over data-parallel ranks: what the engine calls it; what is left to default, and what does
/// not go together.
void read_sharding_options(Fields& options, Scenario& scenario);
void complete_sharding(Fields& request, Scenario& scenario);
/// DeepSpeed's section "zero_optimization", given whole or field by field.
void read_zero_options(Fields& options, Scenario& scenario);
void complete_zero(Fields& request, Scenario& scenario);
/// As a request says it.
Document parallel_document(std::string_view engine, const RankLayout& layout);
/// What of a training lies in the processor's memory.
void read_sharded_offload(Fields& training, Scenario& scenario);

/// The adapters of a scenario that trains no more than them.
void read_lora(Fields& fields, LoraScenario& lora);
/// LitGPT adapts parts of the joint projection, whatever it is called.
void name_parts(LoraScenario& lora);
/// Trained rows in front of every sequence, and nothing else.
void read_soft_prompt(Fields& training, Scenario& scenario);

/// The scenario with every default that was used, as a request of the same shape.
Document completed(const Scenario& scenario);

}  // namespace gpumem
