// SPDX-License-Identifier: Apache-2.0
//
// A line on standard error that is written over again and again, if that is a
// terminal that can.

#ifndef NETPOLL_TOOLS_COMMON_PROGRESS_LINE_H_
#define NETPOLL_TOOLS_COMMON_PROGRESS_LINE_H_

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace netpoll::tools {

class ProgressLine {
 public:
  // Otherwise nothing is shown, and there is nothing to be put into words.
  bool on() const { return on_; }

  // Any thread.
  void Show(const std::string& text) const {
    if (on_) std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
  }
  void Clear() const { Show(""); }

 private:
  static bool CanWriteOver() {
    const char* const kind = std::getenv("TERM");
    return kind != nullptr && std::string_view(kind) != "dumb" &&
           ::isatty(STDERR_FILENO) != 0;
  }

  const bool on_ = CanWriteOver();
};

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_COMMON_PROGRESS_LINE_H_
