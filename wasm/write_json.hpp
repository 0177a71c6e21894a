#pragma once
// A document as JSON text: the same bytes wherever the core runs.

#include <cmath>

#include "gpumem/document.hpp"
#include "gpumem/number_text.hpp"

namespace gpumem {

inline bool needs_escape(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

/// Stretches without anything to escape go over as they are.
inline void append_text(std::string& out, std::string_view text) {
  out += '"';
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!needs_escape(text[i])) continue;
    out.append(text, from, i - from);
    from = i + 1;
    const auto code = static_cast<unsigned char>(text[i]);
    if (code >= 0x20) {
      out += '\\';
      out += text[i];
    } else {
      out += "\\u00";
      out += "0123456789abcdef"[code / 16];
      out += "0123456789abcdef"[code % 16];
    }
  }
  out.append(text, from, text.size() - from);
  out += '"';
}

/// JSON has no word for what is not finite: null.
inline void append_number(std::string& out, double number) {
  out += std::isfinite(number) ? number_text(number) : "null";
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
  out.reserve(1 << 15);   // an answer without its tensors
  append_json(out, document);
  return out;
}

}  // namespace gpumem
