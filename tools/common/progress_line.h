// SPDX-License-Identifier: Apache-2.0
//
// A line on standard error that is written over again and again, if that is a
// terminal that can; as long as the terminal is wide.

#ifndef NETPOLL_TOOLS_COMMON_PROGRESS_LINE_H_
#define NETPOLL_TOOLS_COMMON_PROGRESS_LINE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace netpoll::tools {

class ProgressLine {
 public:
  ProgressLine();

  // Otherwise nothing is shown, and there is nothing to be put into words.
  bool on() const { return on_; }

  // Any thread. ASCII; parts that don't fit, between commas, are left out from
  // the end.
  void Show(std::string_view text) const;
  void Clear() const { Show(""); }

 private:
  const bool on_;
};

// What is left of `text` in less than `columns`.
std::string_view Fitted(std::string_view text, std::size_t columns);

// "532", "41.2 K", "3.2 M".
std::string Rounded(double count);

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_COMMON_PROGRESS_LINE_H_
