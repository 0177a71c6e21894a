#pragma once
// A document as JSON text: the same bytes wherever the core runs.

#include <cmath>
#include <cstdio>

#include "gpumem/document.hpp"

namespace gpumem {

inline void append_text(std::string& out, const std::string& text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

/// Whole numbers without an exponent; others with the digits that tell them apart, null for what JSON has no word for.
inline void append_number(std::string& out, double number) {
  char digits[40];
  if (!std::isfinite(number))
    std::snprintf(digits, sizeof digits, "null");
  else if (std::floor(number) == number && std::fabs(number) < 1e21)
    std::snprintf(digits, sizeof digits, "%.0f", number == 0 ? 0.0 : number);
  else
    std::snprintf(digits, sizeof digits, "%.12g", number);
  out += digits;
}

inline void append_json(std::string& out, const Document& d) {
  switch (d.kind()) {
    case Document::Kind::null: out += "null"; break;
    case Document::Kind::boolean: out += d.truth() ? "true" : "false"; break;
    case Document::Kind::number: append_number(out, d.number()); break;
    case Document::Kind::text: append_text(out, d.text()); break;
    case Document::Kind::list:
      out += '[';
      for (const Document& item : d.items()) {
        if (&item != d.items().data()) out += ',';
        append_json(out, item);
      }
      out += ']';
      break;
    case Document::Kind::record:
      out += '{';
      for (const auto& member : d.members()) {
        if (&member != d.members().data()) out += ',';
        append_text(out, member.first);
        out += ':';
        append_json(out, member.second);
      }
      out += '}';
      break;
  }
}

inline std::string write_json(const Document& document) {
  std::string out;
  append_json(out, document);
  return out;
}

}  // namespace gpumem
