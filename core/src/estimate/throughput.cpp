#include "estimate/throughput.hpp"

#include <algorithm>
#include <cmath>

#include "estimate/size_text.hpp"
#include "quantization/program_tensors.hpp"

namespace gpumem {
namespace {

/// Shares of the printed speeds, assumed: neither is measured here, and either can be given.
struct Shares {
  double low, expected, high;
};
constexpr Shares usual_bandwidth = {0.5, 0.7, 0.9}, usual_compute = {0.3, 0.5, 0.7};

Shares shares_of(double given, const Shares& usual) { return given > 0 ? Shares{given, given, given} : usual; }

/// What one pass over a model costs on one card.
struct Work {
  double weights = 0;       ///< bytes of weights read by one decoding step of all sequences
  double all_weights = 0;   ///< and by a pass over a long prompt
  double cache = 0;         ///< bytes of keys, values and states read by one decoding step, contexts full
  double operations = 0;    ///< for one token, without attention's products
  double attention = 0;     ///< operations of attention's products for one token and one earlier one
};

double number_at(const Document& record, std::string_view name) {
  const Document* d = record.find(name);
  return d && d->is(Document::Kind::number) ? d->number() : 0;
}

double component(const Document& device, std::string_view id) {
  for (const Document& c : device.find("components")->items())
    if (c.find("id")->text() == id) return number_at(c, "bytes");
  return 0;
}

/// Experts that at least one of so many tokens takes, as a share of all, tokens choosing independently.
double touched(double share, double tokens) { return 1 - std::pow(1 - share, tokens); }

/// Source: [roofline] a token costs two operations a weight it uses; every weight used is read once a step
std::optional<Work> work_of(const Scenario& s, const Document& answer) {
  const Document& device = answer.find("devices")->items().front();
  const Document* parameters = answer.find("parameters");
  const Document* kept = answer.find("kvCache");
  const double total = number_at(*parameters, "total"), active = number_at(*parameters, "active"), tokens = s.inference.sequences;
  if (!kept || total <= 0) return std::nullopt;
  const double ranks = std::max(1.0, s.serving.ranks), each = component(device, "weights") * ranks / total;
  double experts_share = 0, looked_up = 0, used = active;
  double beside = 0;   // towers take no part in decoding
  Work w;
  if (s.model) {
    Decoder text = *s.model;
    text.beside.clear();
    double of_text = 0;
    if (s.reader || !s.model->beside.empty()) {
      for (const StoredTensor& t : program_tensors(text)) of_text += in(elements, t.shape.count()) * t.copies;
      beside = std::max(0.0, total - of_text);
    }
    for (const DecoderLayer& l : s.model->layers) {
      w.attention += 4 * l.attention.heads * l.attention.head_dim;
      if (l.experts && l.experts->experts > 0) experts_share = l.experts->top / l.experts->experts;
    }
    if (!s.model->tied) looked_up = s.model->vocabulary * s.model->hidden;   // rows of the token table are looked up
  }
  if (active < total) {
    if (experts_share <= 0 && tokens > 1) return std::nullopt;
    const double experts = experts_share > 0 ? (total - active) / (1 - experts_share) : 0;
    if (experts_share > 0) used = total - experts + experts * touched(experts_share, tokens);
  }
  w.weights = (used - looked_up - beside) * each / ranks;
  w.all_weights = (total - looked_up - beside) * each / ranks;
  w.cache = number_at(*kept, "bytesPerSequence") * tokens / ranks;
  w.operations = 2 * (active - looked_up - beside) / ranks;
  w.attention /= ranks;
  return w;
}

/// Layers in main memory are bound by the bus, which is not counted.
bool all_on_gpu(const Scenario& s) {
  const LlamaCppOptions& l = s.llama_cpp;
  return s.engine != "llama.cpp" || (l.gpu_layers < 0 && l.host_layers == 0 && !l.experts_on_host && !l.cache_on_host && l.expert_layers_on_host == 0 && l.gpus <= 1);
}

Document band(double low, double expected, double high) { return Document::record({{"low", low}, {"expected", expected}, {"high", high}}); }

}  // namespace

void read_speeds(Fields& row, Device& device) {
  const std::string rate = row.text({"bandwidth"}, "");
  if (rate.ends_with("/s"))
    if (const auto size = parse_size(rate.substr(0, rate.size() - 2))) device.bandwidth = in(bytes, *size);
  Fields speeds = row.record("tflops");
  constexpr double tera = 1e12, most = 1e6;
  device.half_speed = std::max(speeds.number({"bf16"}, 0, 0, most), speeds.number({"fp16"}, 0, 0, most)) * tera;
  device.single_speed = speeds.number({"fp32"}, 0, 0, most) * tera;
}

void read_speed_shares(Fields& request, Scenario& s) {
  if (!request.has("throughput")) return;
  s.speed.asked = true;
  Fields shares = request.record("throughput");
  constexpr double least = 0.01;
  if (shares.has("bandwidthShare")) s.speed.bandwidth_share = shares.number({"bandwidthShare"}, 1, least, 1);
  if (shares.has("computeShare")) s.speed.compute_share = shares.number({"computeShare"}, 1, least, 1);
  shares.refuse_unknown();
  if (!s.device || s.device->gpu.empty())
    s.assumptions.push_back({"ignored-field", "throughput does not apply without hardware.gpu, whose printed speeds it is about, and was ignored."});
}

void append_throughput(const Scenario& s, Document& answer) {
  if (s.questions.empty() && !s.speed.asked) return;   // a first answer is without it
  if (s.draft) return;                                 // how many of its tokens are taken is not known
  if (!s.device || s.device->gpu.empty() || s.device->bandwidth <= 0 || s.task != Task::inference) return;
  const Document* devices = answer.find("devices");
  if (!devices || devices->items().empty() || s.pipeline || s.encoder_model || !all_on_gpu(s)) return;
  const std::optional<Work> w = work_of(s, answer);
  if (!w) return;
  const double speed = s.weight_format() == fp32 ? s.device->single_speed : s.device->half_speed;
  const Shares memory = shares_of(s.speed.bandwidth_share, usual_bandwidth), compute = shares_of(s.speed.compute_share, usual_compute);
  const double sequences = s.inference.sequences, prompt = s.inference.prompt_tokens, read = w->weights + w->cache;
  const auto decode = [&](double m, double c) {
    const double by_memory = read / (s.device->bandwidth * m);
    const double by_compute = speed > 0 ? sequences * (w->operations + w->attention * s.inference.context_tokens) / (speed * c) : 0;
    return sequences / std::max(by_memory, by_compute);
  };
  const auto prefill = [&](double m, double c) {
    const double operations = prompt * (w->operations + w->attention * prompt / 2);
    return prompt / std::max(operations / (speed * c), w->all_weights / (s.device->bandwidth * m));
  };
  Document made = Document::record({{"decodeTokensPerSecond", band(decode(memory.low, compute.low), decode(memory.expected, compute.expected), decode(memory.high, compute.high))}});
  if (speed > 0) made.append("prefillTokensPerSecond", band(prefill(memory.low, compute.low), prefill(memory.expected, compute.expected), prefill(memory.high, compute.high)));
  made.append("bytesPerStep", std::round(read));
  made.append("operationsPerToken", w->operations);
  made.append("bandwidthShare", band(memory.low, memory.expected, memory.high));
  made.append("computeShare", band(compute.low, compute.expected, compute.high));
  made.append("source", "roofline");
  answer.append("throughput", std::move(made));
}

}  // namespace gpumem
