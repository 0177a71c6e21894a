#include <algorithm>

#include "architectures/common.hpp"
#include "architectures/litgpt.hpp"
#include "estimate/classes.hpp"
#include "estimate/diffusion.hpp"
#include "estimate/size_text.hpp"
#include "estimate/throughput.hpp"

namespace gpumem {

void leave(Fields& request) {
  request.report("", "part-not-loaded", "needs a part of the calculator that is not loaded");
}

namespace {

/// Programs of decoders end in a language model's head; a classifier, or a model without a head, has other weights.
bool runs_decoder_class(Fields& config) {
  for (const std::string_view purpose : {"ForCausalLM", "LMHeadModel", "ForConditionalGeneration", "ForCausalLMEagle", "ForCausalLMEagle3"})
    if (made_for(config, purpose)) return true;
  return !config.has("architectures");
}

/// The decoder of a family with an encoder, by itself: its program is that of both.
bool decoder_of_an_encoder(Fields& config, std::string_view type) {
  const std::vector<std::string_view> types = encoder_types();
  return made_for(config, "ForCausalLM") && std::find(types.begin(), types.end(), type) != types.end();
}

/// A program where there is one, else the weights of an inventory, else a plain decoder if the fields are those of one.
void read_config(const Document* config, std::string_view path, const Document& facts, std::vector<Issue>& issues, Scenario& s) {
  if (!config->is(Document::Kind::record)) {
    issues.push_back({std::string(path), "wrong-type", "must be the fields of a config.json"});
    return;
  }
  Fields fields(config, std::string(path), issues);
  s.config = config;
  if (!whole_engine && (fields.has("_class_name") || fields.has("quantization_config"))) return leave(fields);
  if (whole_engine && fields.has("_class_name")) return read_pipeline_model(fields, facts, s);
  const std::size_t before = issues.size();
  const std::string type = fields.text({"model_type"}, "");
  const Document* library = facts.find("architectures");
  if (issues.size() > before) return;
  const bool counted = has_inventory(*config, library), runs = type != "deepseek_v2" || fields.has("num_experts_per_tok");   // else only made
  if (whole_engine && !counted && decoder_of_an_encoder(fields, type))
    return fields.report("model_type", "unsupported", text_of({quoted(type), " has no program of its decoder alone; the inventory of its tensors is not at hand"}));
  if (whole_engine && (runs_encoder_class(fields) || !counted)) s.encoder_model = read_encoder_model(fields);
  if (s.encoder_model || issues.size() > before) return;
  if (whole_engine && has_program(type) && s.task == Task::training && made_for(fields, "ForSequenceClassification")) {
    s.model = read_model(fields, s.assumptions);
    if (s.model) give_classes(fields, *s.model);
    return;
  }
  if (!counted || (has_program(type) && runs && runs_decoder_class(fields))) {
    s.model = read_model(fields, s.assumptions);
    return;
  }
  if (!whole_engine) return leave(fields);
  s.inventory = read_inventory(fields, *library);
  s.cache_rows = read_cache_rows(*config, *library);
  s.layer_fields = read_layer_fields(*config, *library);
}

void read_model_choice(Fields& request, const Document& facts, Scenario& s) {
  const Document* given = request.value({"model"});
  if (!given) return request.report("model", "missing", "is needed: {\"id\"}, {\"config\"} or {\"parameters\"}");
  Fields model(given, "model", request.issues());
  int ways = 0;
  for (const std::string_view way : {"id", "config", "parameters", "gguf", "safetensors"}) ways += model.has(way) ? 1 : 0;
  model.refuse_unknown();
  if (ways != 1)
    return model.report("", ways == 0 ? "missing" : "ambiguous", "must name the model in exactly one way: id, config, gguf, safetensors or parameters");
  if (!whole_engine && (model.has("gguf") || model.has("safetensors") || model.has("parameters"))) return leave(request);
  if (whole_engine && model.has("gguf")) {
    Fields header = model.record("gguf");
    s.gguf = read_gguf_header(header, s.inventory.emplace());
    s.gguf_given = model.value({"gguf"});
  } else if (whole_engine && model.has("safetensors")) {
    read_safetensors_model(model, s, [&](const Document* config, std::vector<Issue>& found) {
      read_config(config, "model.safetensors.config", facts, found, s);
    });
  } else if (whole_engine && model.has("parameters")) {
    s.parameters = model.count({"parameters"}, std::nullopt, 1, 1e15);
  } else if (const Document* config = model.value({"config"})) {
    read_config(config, "model.config", facts, request.issues(), s);
  } else {
    s.model_id = model.text({"id"}, "");
    const Document* known = facts.find("config");
    if (known && known->is(Document::Kind::record))
      read_config(known, "model.config", facts, request.issues(), s);
    else
      model.report("id", "unknown-model", text_of({quoted(s.model_id), " is not in the catalog"}));
  }
}

/// How much an encoder reads; sound has a length of its own.
void read_encoder_options(Fields& options, Scenario& s) {
  const EncoderModel& m = *s.encoder_model;
  const bool sound = m.encoder.input.kind == InputLayer::Kind::sound;
  const double rows = sound ? m.rows(0) : m.max_positions;
  s.inference.encoder_tokens = options.count({"encoder_tokens"}, rows, 1, most_tokens);
  if (sound && s.inference.encoder_tokens != rows)
    options.report("encoder_tokens", "contradiction", text_of({"the model's encoder makes ", number_text(rows), " rows of everything it hears"}));
  options.value({"input_features"});
  if (s.task == Task::inference) s.engine_options.set("encoder_tokens", s.inference.encoder_tokens);
}

/// Whose training is computed, plain PyTorch's first.
constexpr std::string_view training_engines[] = {"torch", "fsdp", "deepspeed", "megatron"};

bool trains(std::string_view engine) {
  return std::find(std::begin(training_engines), std::end(training_engines), engine) != std::end(training_engines);
}

/// The one whose rules are followed where none is named.
std::string usual_version(std::string_view engine) {
  constexpr std::pair<std::string_view, std::string_view> versions[] = {{"transformers", "5"}, {"torch", "2.15"}, {"fsdp", "2.15"}, {"deepspeed", "0.19.8"}, {"llama.cpp", "0.5.0"},
                                                                        {"vllm", "0.32"}, {"mlx", "0.32.0"}, {"exllamav2", "0.3.2"}, {"exllamav3", "1.4.1"}};
  for (const auto& [name, version] : versions)
    if (name == engine) return std::string(version);
  return "";
}

/// LitGPT is named beside PyTorch, which it runs on: as the version or by an option.
bool runs_litgpt(Fields& engine, Fields& options, Scenario& s) {
  const Document* version = engine.value({"version"});
  if (version && version->is(Document::Kind::text) && version->text() == "litgpt") return true;
  const Document* code = options.value({"engine"});
  if (!code || !code->is(Document::Kind::text) || code->text() != "litgpt") return false;
  s.engine_options.set("engine", "litgpt");
  return true;
}

/// Its own programs where it has one for the model.
void choose_litgpt(Scenario& s) {
  s.inference.all_logits = true;
  if (s.model && !run_as_litgpt(*s.model))
    s.assumptions.push_back({"not-in-litgpt", "LitGPT's own code has no such layers: they are counted as transformers runs them."});
}

/// The two caches of the first answer.
void read_first_cache(Fields& request, Fields& options, Scenario& s) {
  const std::string cache = options.text({"cache_implementation"}, "dynamic");
  if (cache != "dynamic" && cache != "static") return leave(request);
  s.inference.fixed_cache = cache == "static";
  s.engine_options.set("cache_implementation", cache);
}

void read_engine(Fields& request, Scenario& s) {
  const bool training = s.task == Task::training;
  s.engine = training ? "torch" : s.mix->gguf || s.gguf ? "llama.cpp" : "transformers";
  Fields engine = request.record("engine");
  const std::string name = engine.text({"name"}, s.engine);
  Fields options = engine.record("options");
  s.litgpt = whole_engine && name == "torch" && runs_litgpt(engine, options, s);
  if (training ? !trains(name) : !s.litgpt && name != "transformers" && name != "llama.cpp" && !serves(name) && !runs_locally(name))
    engine.report("name", "unsupported", text_of({training ? "training" : "inference", " is computed for ", training ? "torch, fsdp, deepspeed and megatron" : "transformers, llama.cpp, vllm, sglang, tensorrt-llm, mlx, exllamav2 and exllamav3", " so far"}));
  else
    s.engine = name;
  s.engine_version = engine.text({"version"}, usual_version(s.engine));
  if (s.gguf && s.engine != "llama.cpp") request.report("model.gguf", "unsupported", "a GGUF file is computed for inference with llama.cpp");
  if (!whole_engine && name != "transformers" && name != "torch") return leave(request);
  const bool llama_cpp = whole_engine && s.engine == "llama.cpp";
  if (llama_cpp) {
    s.imatrix = options.flag({"imatrix"}, false);
    s.inference.shared_cells = options.flag({"kv_unified"}, false);
    s.inference.full_windows = options.flag({"swa_full"}, false);
  }
  const bool serving = whole_engine && serves(s.engine);
  const bool local = whole_engine && runs_locally(s.engine);
  if (serving) read_serving_options(options, s);
  if (local) read_local_options(options, s);
  if (whole_engine && !training && !serving && !llama_cpp && !local) read_cache_options(options, s);
  else if (!whole_engine && !training) read_first_cache(request, options, s);
  else if (!serving && !local) options.value({"cache_implementation"});
  if (llama_cpp) {
    s.inference.fixed_cache = true;
    s.engine_options.set("imatrix", s.imatrix);
    s.engine_options.set("kv_unified", s.inference.shared_cells);
    s.engine_options.set("swa_full", s.inference.full_windows);
    read_llama_cpp_batch(options, s);
    read_llama_cpp_options(options, s);
  }
  if (whole_engine && s.encoder_model && s.encoder_model->answers()) read_encoder_options(options, s);
  if (whole_engine && s.engine == "megatron") read_megatron_options(options, s);
  else if (training) read_training_options(options, s);
  else if (whole_engine && s.engine == "transformers") read_generation_options(options, s), read_image_options(options, s);
  if (whole_engine && s.litgpt) choose_litgpt(s);
  if (whole_engine) read_sharding_options(options, s);
  if (!llama_cpp && !local) read_allocator_options(options, s);
  options.assume_ignored([&](std::string_view option) {
    s.assumptions.push_back({"ignored-option", text_of({"The engine option ", quoted(option), " is not known to this profile and was ignored."})});
  });
  engine.refuse_unknown();
}

void read_hardware(Fields& request, const Document& facts, Scenario& s) {
  if (!request.has("hardware")) return;
  Fields hardware = request.record("hardware");
  Device device;
  device.gpu = hardware.text({"gpu"}, "");
  device.count = hardware.count({"count"}, 1, 1, 1 << 20);
  const std::optional<Bytes> memory = read_size(hardware, "memory");
  hardware.refuse_unknown();
  if (device.gpu.empty() && !memory) {
    if (!hardware.has("memory")) hardware.report("", "missing", "must name a gpu or a memory");
    return;
  }
  if (!device.gpu.empty() && memory) return hardware.report("", "ambiguous", "must name either a gpu or a memory");
  if (memory) {
    device.memory = *memory;
  } else {
    const Document* known = facts.find("device");
    if (!known || !known->is(Document::Kind::record))
      return hardware.report("gpu", "unknown-gpu", text_of({quoted(device.gpu), " is not in the catalog"}));
    Fields row(known, "hardware.gpu", request.issues());
    device.memory = read_size(row, "memory").value_or(Bytes());
    device.reported = read_size(row, "reported");
    device.usable_share = row.number({"usableShare"}, 0, 0, 1);
    device.compute_capability = row.number({"computeCapability"}, 0, 0, 1000);
    if (whole_engine) read_speeds(row, device);
  }
  if (device.count > s.layout.ranks())
    s.assumptions.push_back({"one-gpu", "The model is placed on one GPU; layouts over several are not computed yet."});
  s.device = device;
}

/// Whether a layer does what the profile of that engine has not been told of: norms of values, experts of queries;
/// under llama.cpp experts in tall matrices, which its files split.
bool unknown_to(std::string_view engine, const Decoder& m) {
  return std::any_of(m.layers.begin(), m.layers.end(), [&](const DecoderLayer& l) {
    return l.attention.value_normed || l.attention.form == AttentionLayer::Form::mixture || (engine == "llama.cpp" && l.experts && l.experts->looped);
  });
}

/// Mixes of formats go by the tensors' names, which programs of encoders do not spell out: the inventory has them.
void count_weights_only(Fields& request, const Document& facts, Scenario& s) {
  s.encoder_model.reset();
  s.model.reset();
  const Document* library = facts.find("architectures");
  if (!has_inventory(*s.config, library))
    return request.report("weights", "unsupported", text_of({quoted(s.weights), " weights of this model are not computed yet"}));
  Fields fields(s.config, "model.config", request.issues());
  s.inventory = read_inventory(fields, *library);
  s.cache_rows = read_cache_rows(*s.config, *library);
  s.layer_fields = read_layer_fields(*s.config, *library);
}

}  // namespace

Scenario read_scenario(const Document& request, const Document& facts, std::vector<Issue>& issues) {
  Scenario s;
  Fields fields(&request, "", issues);
  const std::string task = fields.word({"task"}, "inference", {"inference", "training"});
  s.task = task == "training" ? Task::training : Task::inference;
  read_model_choice(fields, facts, s);
  const bool weights_given = fields.has("weights");
  read_weights(fields, s);
  const bool convolves = s.encoder_model && s.encoder_model->convolutions;
  if (whole_engine && s.encoder_model && (!s.plain() || (convolves && s.task == Task::training))) count_weights_only(fields, facts, s);
  if (whole_engine && s.pipeline) read_pipeline_engine(fields, s);
  else read_engine(fields, s);
  const bool elsewhere = s.task == Task::inference && s.engine != "transformers";
  const bool unspelled = s.model && ((has_mixers(*s.model) && (!s.plain() || elsewhere)) || (elsewhere && unknown_to(s.engine, *s.model)));
  if (whole_engine && (unspelled || (s.encoder_model && s.engine == "llama.cpp"))) count_weights_only(fields, facts, s);
  if (whole_engine) check_weights(fields, s);
  if (whole_engine && s.safetensors && issues.empty()) complete_safetensors(s);
  Fields inference = fields.record("inference"), training = fields.record("training");
  if (whole_engine && s.pipeline)
    read_pipeline_inference(inference, s);
  else if (s.task == Task::inference)
    read_inference(inference, s);
  else
    read_training(training, s, weights_given);
  if (!whole_engine && fields.has("parallel")) leave(fields);
  if (whole_engine) read_parallel(fields, s);
  if (whole_engine && s.engine == "llama.cpp") check_llama_cpp(fields, s);
  if (whole_engine && s.engine == "megatron") check_megatron(fields, s);
  read_hardware(fields, facts, s);
  if (whole_engine) check_rl(fields, s);
  if (whole_engine) complete_serving(fields, s);
  if (whole_engine && !s.parameters && s.task == Task::inference) complete_local(fields, s);
  Fields quick = fields.record("quick");
  s.bytes_per_sample = read_size(quick, "bytesPerSample");
  quick.refuse_unknown();
  const std::string detail = fields.word({"detail"}, "timeline", {"summary", "timeline", "tensors"});
  s.detail = detail == "summary" ? Detail::summary : detail == "tensors" ? Detail::tensors : Detail::timeline;
  read_questions(fields, s);
  if (whole_engine) read_speed_shares(fields, s);
  else if (fields.has("throughput")) leave(fields);
  if (!whole_engine && inference.has("draft")) leave(fields);
  if (whole_engine && issues.empty()) read_draft(request, facts, issues, s);
  if (whole_engine && issues.empty()) check_packed_cache(fields, s);
  if (!whole_engine && !s.questions.empty()) leave(fields);
  fields.refuse_unknown();
  return s;
}

}  // namespace gpumem
