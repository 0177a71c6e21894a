#pragma once
#include "layers/decoder.hpp"
#include "layers/diffusion/components.hpp"

namespace gpumem {

/// A language model that reads the prompt: hidden states are taken from it, nothing is generated.
class LanguageTextEncoder : public TextEncoder {
 public:
  struct Held {
    std::string name;
    Shape shape;
    double copies = 1;
  };
  Decoder model;
  bool makes_logits = false;   ///< its class has a head, which runs over every token
  std::vector<Held> beside;    ///< weights that text does not pass: a tower for images
  void declare(Machine& m) const override;
  std::vector<Value> buffers(Machine& m) const override;
  TextStates encode(Machine& m, const Value& ids, bool masked, bool every) const override;
};

}  // namespace gpumem
