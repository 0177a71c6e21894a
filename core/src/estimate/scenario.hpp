#pragma once
// A request, read and completed with every default.

#include <optional>
#include <string>
#include <vector>

#include "architectures/architecture.hpp"
#include "architectures/cache_rows.hpp"
#include "architectures/inventory.hpp"
#include "layers/pass.hpp"
#include "machine/format.hpp"

namespace gpumem {

enum class Task { inference, training };
enum class Detail { summary, timeline, tensors };

struct InferenceScenario {
  double sequences = 1, context_tokens = 4096, prompt_tokens = 4096, prefill_tokens = 4096;
  std::string attention = "flash";
  std::string kv_format;
  bool fixed_cache = false;
};

struct TrainingScenario {
  std::string precision = "bf16", optimizer = "adamw", optimizer_step = "fused";
  double micro_batch = 1, sequence_tokens = 2048, accumulation = 1;
  std::string attention = "flash", checkpointing = "none";
  bool optimizer_in_backward = false;
};

struct Device {
  std::string gpu;                  ///< its id in the catalog, or empty
  Bytes memory;                     ///< what is printed on the box
  std::optional<Bytes> reported;    ///< what the driver's tool shows as total
  double compute_capability = 0;
  double count = 1;
};

struct Scenario {
  // The model: a decoder read from a config, its weights alone, or only a count.
  std::string model_id;
  const Document* config = nullptr;
  std::optional<Decoder> model;
  std::optional<Inventory> inventory;   ///< where there is no program for the model: its weights alone
  CacheRows cache_rows;                 ///< of the model with an inventory
  std::optional<double> parameters;

  Task task = Task::inference;
  std::string weights = "bf16";
  std::string engine = "transformers", engine_version = "5";
  Document engine_options = Document::record();
  InferenceScenario inference;
  TrainingScenario training;
  std::optional<Device> device;
  std::optional<Bytes> bytes_per_sample;
  Detail detail = Detail::timeline;

  std::vector<Assumption> assumptions;
  [[nodiscard]] const Format* weight_format() const { return find_format(weights); }
};

/// Reads a request; every issue goes to `issues`, and the scenario is of use only if there are none.
Scenario read_scenario(const Document& request, const Document& facts, std::vector<Issue>& issues);

void read_inference(Fields& fields, Scenario& scenario);
void read_training(Fields& fields, Scenario& scenario, bool weights_given);

/// The scenario with every default that was used, as a request of the same shape.
Document completed(const Scenario& scenario);

}  // namespace gpumem
