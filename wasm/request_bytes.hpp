#pragma once
// The bytes that a request crosses in, as wasm/estimator.mjs writes them: a letter for what comes, and its content. Whoever
// writes them keeps to their form and bounds their depth; nothing is checked here.

#include <cstdint>
#include <cstring>
#include <string>

#include "gpumem/document.hpp"

namespace gpumem {

class RequestBytes {
 public:
  explicit RequestBytes(const unsigned char* at) : at_(at) {}

  Document document() {
    switch (*at_++) {
      case 't': return true;
      case 'f': return false;
      case 'd': return taken<double>();
      case 's': return text();
      case 'l': {
        Document list = Document::list();
        for (auto left = taken<std::uint32_t>(); left > 0; --left) list.push(document());
        return list;
      }
      case 'r': {
        Document record = Document::record();
        for (auto left = taken<std::uint32_t>(); left > 0; --left) {
          const std::string name = text();
          record.append(name, document());
        }
        return record;
      }
      default: return {};
    }
  }

 private:
  template <class Number>
  Number taken() {
    Number number;
    std::memcpy(&number, at_, sizeof number);
    at_ += sizeof number;
    return number;
  }
  std::string text() {
    const auto size = taken<std::uint32_t>();
    std::string text(reinterpret_cast<const char*>(at_), size);
    at_ += size;
    return text;
  }

  const unsigned char* at_;
};

}  // namespace gpumem
