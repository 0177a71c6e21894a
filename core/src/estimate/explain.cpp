#include "estimate/explain.hpp"

#include <cmath>

#include "training/optimizer.hpp"

namespace gpumem {
namespace {

/// A number with thousands separated, as it is read.
std::string grouped(double n) {
  const std::string digits = number_text(n);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

Document row(std::string_view id, std::string_view formula, std::string substituted, std::string_view source) {
  return Document::record({{"id", id}, {"formula", formula}, {"substituted", std::move(substituted)}, {"source", source}});
}

std::string times(double count, double each, std::string_view what) {
  return text_of({grouped(count), " × ", number_text(each), " B ", what, "= ", grouped(count * each), " B"});
}

/// Bytes of what is trained: adapters have a format of their own.
double trained_width(const Scenario& s) {
  const Format& f = s.training.method == "full" ? *s.weight_format() : *find_format(s.training.lora.format);
  return f.block_bytes / f.block_elements;
}

double width_of(const Scenario& s) { return s.weight_format()->block_bytes / s.weight_format()->block_elements; }

/// DeepSpeed's optimizer sees one flat tensor in fp32.
void add_partition(Document& list, const Scenario& s, double trainable, double states) {
  const double ranks = s.layout.data, numbers = std::ceil(trainable / ranks);
  const double width = 4 * (states + (s.training.precision == "fp32" && s.layout.zero == 3 ? 0 : 1));
  const std::string part = text_of({grouped(trainable), " / ", number_text(ranks), " × ", number_text(width), " B = ", grouped(numbers * width), " B"});
  list.push(row("optimizer-states", "(states per parameter and the master weights) × 4 B × trainable parameters / ranks",
                s.training.sharding.offload_optimizer ? part + ", in the processor's memory" : part, "deepspeed"));
}

void add_states(Document& list, const Scenario& s, double trainable) {
  list.push(row("gradients", "trainable parameters × bytes of their format", times(trainable, trained_width(s), ""), "pytorch-autograd-engine"));
  const auto* o = find_optimizer(s.training.optimizer);
  if (whole_engine && s.engine == "deepspeed") return add_partition(list, s, trainable, o ? o->states_per_parameter : 0);
  if (!o || o->states_per_parameter == 0) return;
  list.push(row("optimizer-states", "states per parameter × trainable parameters × bytes of their format",
                text_of({number_text(o->states_per_parameter), " × ", grouped(trainable), " × ", number_text(trained_width(s)), " B = ", grouped(o->states_per_parameter * trainable * trained_width(s)), " B"}),
                o->source));
}

/// What training by preferences adds: the reference model, and logits in tiles.
void add_scored(Document& list, const Scenario& s, const Run& run) {
  if (s.training.rl->reference && s.training.method == "full")
    list.push(row("reference-model", "parameters × bytes of their format, once more", times(run.total, width_of(s), ""), "trl"));
  if (s.training.rl->algorithm == "reward") return;
  list.push(row("logits", "tiles of 4096 rows by 32768 columns, and fp32 sums of the gradients of rows and of the head's weight",
                text_of({grouped(in(bytes, run.peak.parts[Component::logits])), " B at the highest moment"}), "trl"));
}

Document mix_row(const Scenario& s, const Run& run) {
  const double file = in(bytes, run.file);
  return row("weights", s.as_stored ? "the sum of the tensors, each in the format that the header gives it" : "the sum of the tensors, each in the format that the mix gives it",
             text_of({s.as_stored ? "as stored" : s.weights, ": ", grouped(file), " B in the file for ", grouped(run.total), " parameters, ",
                      number_text(std::round(file * 8e4 / run.total) / 1e4), " bits each; on the device ", grouped(in(bytes, run.peak.parts[Component::weights])), " B"}),
             s.as_stored ? "safetensors-format" : s.mix->source);
}

Document cache_row(const Scenario& s, const Run& run) {
  double holding = static_cast<double>(s.layers().size());
  if (whole_engine)
    for (const DecoderLayer& l : s.layers()) holding -= l.attention.keys == AttentionLayer::Keys::borrowed ? 1 : 0;
  const AttentionLayer& a = s.layers().front().attention;
  const InferenceScenario& i = s.inference;
  std::string text = text_of({"2 × ", number_text(holding), " layers × ", number_text(a.kv_heads), " heads × ", number_text(a.head_dim), " × ", number_text(s.cache_format()->block_bytes / s.cache_format()->block_elements), " B × ", grouped(i.context_tokens), " tokens × ", number_text(i.sequences), " = ", grouped(in(bytes, run.cache)), " B"});
  bool windowed = false;
  for (const DecoderLayer& l : s.layers()) windowed = windowed || l.attention.window > 0;
  if (s.inference.encoder_tokens > 0) text += text_of({"; of it for ", grouped(s.inference.encoder_tokens), " rows of the encoder's output as many again each"});
  if (windowed) text += "; layers with a window keep its tokens only";
  return row("kv-cache", "2 (key and value) × layers × KV heads × head dim × bytes × tokens × sequences", text, "transformers");
}

Document logits_row(const Scenario& s) {
  const double v = s.model->vocabulary;
  if (s.task == Task::inference)
    return row("logits", "sequences × 1 token × vocabulary × (format + 4 B of the copy that is sampled)",
               text_of({number_text(s.inference.sequences), " × ", grouped(v), " × (", number_text(width_of(s)), " + 4) B"}), "transformers");
  const double rows = s.training.micro_batch * s.training.sequence_tokens;
  return row("logits", "micro-batch × tokens × vocabulary × 12 B in the loss's backward: log-probabilities and two gradients, all fp32",
             text_of({grouped(rows), " × ", grouped(v), " × 12 B = ", grouped(rows * v * 12), " B"}), "torch-fake-tensor-measurement");
}

}  // namespace

Document explanations(const Scenario& s, const Run& run) {
  Document list = Document::list();
  const bool flat = s.layout.fsdp_version == 1;
  if (s.engine == "fsdp")
    list.push(row("weights", flat ? "parameters × bytes of their format, laid end to end and cut into a part for each rank" : "parameters × bytes of their format, every tensor cut along its first extent over the ranks of a shard",
                  text_of({times(run.total, width_of(s), ""), "; of it on each GPU ", grouped(in(bytes, run.peak.parts[Component::weights])), " B"}), flat ? "pytorch-fsdp1" : "pytorch-fsdp2"));
  else if (whole_engine && s.engine == "deepspeed" && s.layout.zero == 3)
    list.push(row("weights", "parameters × bytes of their format / ranks, and small parameters whole beside it",
                  text_of({times(run.total, width_of(s), ""), "; of it on each GPU ", grouped(in(bytes, run.peak.parts[Component::weights])), " B"}), "deepspeed"));
  else
    list.push(s.plain() ? row("weights", "parameters × bytes of their format", times(run.total, width_of(s), ""), "transformers") : mix_row(s, run));
  if (s.task == Task::inference && s.has_cache()) list.push(cache_row(s, run));
  if (whole_engine && s.engine == "llama.cpp") {
    list.push(row("workspace", "the highest address that ggml's allocator gives to a result of the graph of one batch",
                  text_of({grouped(in(bytes, run.peak.parts[Component::workspace])), " B"}), "ggml"));
    return list;
  }
  list.push(row("activations", "the sum of the tensors listed: what the step holds at its highest moment",
                text_of({grouped(in(bytes, run.peak.parts[Component::activations])), " B"}), "pytorch-derivatives"));
  const bool scored = whole_engine && s.training.rl;
  if (s.model && !scored) list.push(logits_row(s));
  if (scored) add_scored(list, s, run);
  if (s.task == Task::training) add_states(list, s, run.trainable);
  list.push(row("rounding", "every tensor rounded up to 512 B", text_of({grouped(in(bytes, run.peak.parts[Component::rounding])), " B"}),
                "pytorch-cuda-allocator"));
  return list;
}

Document explanations_for_count(const Scenario& s, double total) {
  Document list = Document::list();
  const Format& format = base_format(*s.mix) ? *base_format(*s.mix) : *s.weight_format();
  const double width = std::round(1e6 * (stored_bytes_of_any(elements(1 << 20), format) / bytes(1 << 20))) / 1e6;
  list.push(row("weights", "parameters × bytes of their format", times(total, width, ""), format.source));
  if (s.task == Task::training) add_states(list, s, total);
  return list;
}

}  // namespace gpumem
