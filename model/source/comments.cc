// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/source/comments.h"

#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace netpoll::model {
namespace {

class Stripper {
 public:
  explicit Stripper(std::string_view source) : rest_(source) {}

  std::string Strip() {
    while (!rest_.empty()) Step();
    EndLine();
    return std::move(out_);
  }

 private:
  void Step() {
    if (rest_.starts_with("//")) {
      rest_.remove_prefix(Until("\n"));
    } else if (rest_.starts_with("/*")) {
      SkipBlock();
    } else if (rest_.front() == '\n') {
      EndLine();
      Copy(1);
    } else if (rest_.starts_with("R\"")) {
      Copy(Until("\n"));
    } else if (rest_.front() == '"' || BeginsCharacter()) {
      Copy(Literal());
    } else {
      Copy(1);
    }
  }

  std::size_t Until(std::string_view what) const {
    const auto at = rest_.find(what);
    return at == std::string_view::npos ? rest_.size() : at;
  }

  // Keeps the line ends, and a blank between what it parted.
  void SkipBlock() {
    out_ += ' ';
    for (rest_.remove_prefix(2); !rest_.empty(); rest_.remove_prefix(1)) {
      if (rest_.starts_with("*/")) {
        rest_.remove_prefix(2);
        return;
      }
      if (rest_.front() != '\n') continue;
      EndLine();
      out_ += '\n';
    }
  }

  // A quote after a letter or digit parts the digits of a number.
  bool BeginsCharacter() const {
    if (rest_.front() != '\'') return false;
    return out_.empty() ||
           std::isalnum(static_cast<unsigned char>(out_.back())) == 0;
  }

  // The length of the literal that begins here; it ends with its line.
  std::size_t Literal() const {
    const char quote = rest_.front();
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '\n') return i;
      if (rest_[i] == quote) return i + 1;
      if (rest_[i] == '\\') ++i;
    }
    return rest_.size();
  }

  void Copy(std::size_t count) {
    out_ += rest_.substr(0, count);
    rest_.remove_prefix(count);
  }

  void EndLine() {
    while (!out_.empty() && (out_.back() == ' ' || out_.back() == '\t')) {
      out_.pop_back();
    }
  }

  std::string_view rest_;
  std::string out_;
};

}  // namespace

std::string WithoutComments(std::string_view source) {
  return Stripper(source).Strip();
}

}  // namespace netpoll::model
