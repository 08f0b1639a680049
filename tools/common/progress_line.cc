// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/common/progress_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace netpoll::tools {
namespace {

bool CanWriteOver() {
  const char* const kind = std::getenv("TERM");
  return kind != nullptr && std::string_view(kind) != "dumb" &&
         ::isatty(STDERR_FILENO) != 0;
}

// Now: a window may change.
std::size_t Columns() {
  winsize size{};
  const bool known =
      ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col : 80;
}

}  // namespace

ProgressLine::ProgressLine() : on_(CanWriteOver()) {}

void ProgressLine::Show(std::string_view text) const {
  if (!on_) return;
  // The last column stays free: some terminals go on to the next line there.
  text = Fitted(text, Columns());
  std::fprintf(stderr, "\r\x1b[K%.*s", static_cast<int>(text.size()),
               text.data());
}

std::string_view Fitted(std::string_view text, std::size_t columns) {
  if (text.size() < columns) return text;
  const std::string_view room = text.substr(0, columns - 1);
  // A comma right behind the room is no part of what is shown.
  const std::size_t comma =
      text[room.size()] == ',' ? room.size() : room.rfind(", ");
  return comma == std::string_view::npos ? room : room.substr(0, comma);
}

std::string Rounded(double count) {
  const char* unit = "";
  if (count >= 1e6) {
    count *= 1e-6;
    unit = " M";
  } else if (count >= 1e4) {
    count *= 1e-3;
    unit = " K";
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.*f%s", *unit == '\0' ? 0 : 1, count,
                unit);
  return text;
}

}  // namespace netpoll::tools
