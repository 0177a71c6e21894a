#pragma once
// Which fields were asked for, and how: while a log is open, whatever reads a field says so. Descriptions of the fields are
// made of it, so that each is written once, where it is read.

#include <optional>
#include <string>
#include <vector>

#include "gpumem/document.hpp"

namespace gpumem {

struct FieldRead {
  std::string path;
  std::string kind;   ///< "count", "number", "flag", "text", "word", "size"; "any" where only its presence was asked for
  Document absent;    ///< what stands for it where it is not given
  std::optional<double> low, high;
  std::vector<std::string> words;
};

class FieldLog {
 public:
  FieldLog();
  ~FieldLog();
  FieldLog(const FieldLog&) = delete;
  FieldLog& operator=(const FieldLog&) = delete;

  /// Does nothing where no log is open. The last reading of a field that says its kind is the one that counts.
  static void note(FieldRead read);
  static bool is_open();
  [[nodiscard]] const std::vector<FieldRead>& reads() const { return reads_; }

 private:
  std::vector<FieldRead> reads_;
  FieldLog* outer_;
};

}  // namespace gpumem
