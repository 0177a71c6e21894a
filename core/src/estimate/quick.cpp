// Source: [quick-estimate] inference = P × 4 B ÷ (32 ÷ Q) × 1.2; training = storage × 4

#include "estimate/quick.hpp"

#include <array>

#include "training/optimizer.hpp"

namespace gpumem {
namespace {

constexpr Bytes single = bytes(4);          // one parameter in 32 bits
constexpr double overhead_factor = 1.2;
constexpr double training_factor = 4;

/// Whole bits a weight has in most tensors of a mix.
double bits(const Scenario& s) {
  const Format* base = base_format(*s.mix) ? base_format(*s.mix) : s.weight_format();
  return std::floor(8 * base->block_bytes / base->block_elements);
}

/// Examples that the page printed with another figure than its own rule gives.
struct Published {
  Task task;
  double parameters, bits;
  std::string_view optimizer;
  Bytes figure;
  std::string_view note;
};

constexpr std::array published = {
    Published{Task::inference, 70e9, 8, "", gb(21),
              "The page printed 21 GB for 8 bits: it put 1 byte in place of the 4 bytes that its formula divides."},
    Published{Task::training, 13e9, 32, "adamw", mb(436800),
              "The page printed about 437 GB: it added gradients (52 GB) and AdamW's moments (104 GB) to the fourfold "
              "storage, which already holds both, and then took 1.2 times the sum."},
};

Document step(std::string_view id, Bytes amount) { return Document::record({{"id", id}, {"bytes", whole(amount)}}); }

void add_published(Document& answer, const Scenario& s, double parameters) {
  for (const Published& p : published) {
    if (p.task != s.task || p.parameters != parameters || p.bits != bits(s)) continue;
    if (!p.optimizer.empty() && p.optimizer != s.training.optimizer) continue;
    answer.set("asPublished", Document::record({{"bytes", p.figure}, {"note", p.note}}));
  }
}

}  // namespace

namespace {

/// The rule has two numbers a parameter for Adam and one for SGD, which it takes to have momentum; states in fewer bits are
/// counted as they are. Where they depend on shapes, the rule's one.
Bytes optimizer_rule(const Scenario& s, double numbers, Bytes storage) {
  const catalog::OptimizerRow* o = find_optimizer(s.training.optimizer);
  const auto states = o ? states_of_count(*o, numbers, *fp32) : std::nullopt;
  if (!states || o->states_per_parameter == 0) return storage;
  return whole_engine && o->block_elements > 0 ? *states : storage * o->states_per_parameter;
}

Bytes training_rule(Document& steps, const Scenario& s, double numbers, Bytes storage) {
  steps.push(step("gradients", storage));
  steps.push(step("optimizer", optimizer_rule(s, numbers, storage)));
  steps.push(step("training-factor", storage * training_factor));
  return storage * training_factor;
}

Bytes inference_rule(Document& steps, Bytes storage) {
  steps.push(step("overhead", storage * (overhead_factor - 1)));
  return storage * overhead_factor;
}

}  // namespace

Document quick_estimate(const Scenario& s, double parameters, double trained) {
  const bool training = s.task == Task::training, adapters = training && s.training.method != "full";
  const Bytes storage = single * (adapters ? parameters - trained : parameters) * (bits(s) / 32);
  Document steps = Document::list();
  steps.push(step("storage", storage));
  Bytes total;
  if (adapters) {
    total = inference_rule(steps, storage);
    const Bytes adapter = single * trained;
    steps.push(step("adapter", adapter));
    total += training_rule(steps, s, trained, adapter);
  } else {
    total = training ? training_rule(steps, s, parameters, storage) : inference_rule(steps, storage);
  }
  if (s.bytes_per_sample) {
    const Bytes samples = *s.bytes_per_sample * (training ? s.training.micro_batch : s.inference.sequences);
    steps.push(step("samples", samples));
    total += samples;
  }
  Document answer = Document::record(
      {{"bytes", whole(total)},
       {"formula", adapters ? "P × 4 B ÷ (32 ÷ Q) × 1.2 + A × 4 B × 4" : training ? "P × 4 B ÷ (32 ÷ Q) × 4" : "P × 4 B ÷ (32 ÷ Q) × 1.2"},
       {"steps", std::move(steps)}});
  if (!adapters) add_published(answer, s, parameters);
  return answer;
}

}  // namespace gpumem
