#include "architectures/encoder_architecture.hpp"
#include "estimate/offered_weights.hpp"
#include "gpumem/estimate.hpp"
#include "machine/parts.hpp"
#include "quantization/mix.hpp"

namespace gpumem {
namespace {

Document words(std::initializer_list<std::string_view> all) {
  Document list = Document::list();
  for (const std::string_view word : all) list.push(word);
  return list;
}

}  // namespace

Document describe() {
  Document optimizers = Document::list();
  for (const catalog::OptimizerRow& o : catalog::optimizers) optimizers.push(Document::record({{"id", o.id}, {"name", o.name}}));
  Document sources = Document::record(), architectures = Document::list(), every = Document::list(), offered = Document::list();
  if (whole_engine) {   // no menu needs them before that one is there
    for (const catalog::SourceRow& s : catalog::sources)
      sources.append(std::string(s.key), Document::record({{"title", s.title}, {"url", s.url}}));
    for (const auto& types : {programmed_types(), encoder_types()})
      for (const std::string_view type : types) architectures.push(type);
    for (const Mix& mix : catalog::mixes) every.push(mix.id);
  }
  for (const std::string_view id : offered_weights) offered.push(id);
  return Document::record({{"weights", std::move(offered)},
                           {"architectures", std::move(architectures)},
                           {"allWeights", std::move(every)},
                           {"countWeights", words({"fp32", "bf16", "fp16", "fp8", "int8", "int4"})},
                           {"attention", words({"flash", "sdpa", "eager"})},
                           {"methods", words({"full", "lora", "qlora", "dora", "prompt"})},
                           {"crossEntropy", words({"full", "chunked", "inplace", "fused"})},
                           {"precisions", words({"bf16", "bf16-amp", "fp16-amp", "fp32"})},
                           {"optimizers", std::move(optimizers)},
                           {"optimizerSteps", words({"fused", "foreach", "loop"})},
                           {"checkpointing", words({"none", "full", "selective", "offload"})},
                           {"sources", std::move(sources)}});
}

}  // namespace gpumem
