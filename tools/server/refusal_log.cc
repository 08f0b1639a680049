// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/refusal_log.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace netpoll::server {

void RefusalLog::Add(int error, std::int64_t now) {
  if (said_ && now - last_ < kPause) {
    ++quiet_;
    return;
  }
  const char* const name = ::strerrorname_np(error);
  const char* const text = ::strerrordesc_np(error);
  char more[64] = "";
  if (quiet_ > 0) {
    std::snprintf(more, sizeof(more),
                  "; %llu more tries since the last such line",
                  static_cast<unsigned long long>(quiet_));
  }
  char line[256];
  const int size = std::snprintf(
      line, sizeof(line),
      "netpoll: a client was refused: %s (%s)%s; the server goes on\n",
      name != nullptr ? name : "error", text != nullptr ? text : "unknown",
      more);
  said_ = true;
  last_ = now;
  quiet_ = 0;
  if (size > 0) write_({line, static_cast<std::size_t>(size)});
}

void RefusalLog::WriteToStderr(std::string_view line) {
  // A pipe that is called writable takes a short line whole.
  pollfd entry{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&entry, 1, 0) != 1 || (entry.revents & POLLOUT) == 0) return;
  [[maybe_unused]] const ssize_t written =
      ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace netpoll::server
