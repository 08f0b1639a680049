// SPDX-License-Identifier: Apache-2.0
//
// Says that clients were refused, and why: at most one line a second, with the
// number of those that it kept quiet about. Neither allocates nor waits: it is
// needed most when there is no memory and nobody reads.

#ifndef NETPOLL_TOOLS_SERVER_REFUSAL_LOG_H_
#define NETPOLL_TOOLS_SERVER_REFUSAL_LOG_H_

#include <cstdint>
#include <string_view>

namespace netpoll::server {

class RefusalLog {
 public:
  // Gets each line, its end included.
  using Writer = void (*)(std::string_view line);

  explicit RefusalLog(Writer write = &WriteToStderr) : write_(write) {}

  // A client was refused with `error`, an errno, at `now`, in nanoseconds of
  // the runtime's clock. One thread at a time.
  void Add(int error, std::int64_t now);

  // Drops the line if standard error would make it wait.
  static void WriteToStderr(std::string_view line);

  static constexpr std::int64_t kPause = 1'000'000'000;

 private:
  const Writer write_;
  bool said_ = false;
  std::int64_t last_ = 0;    // When the last line was written.
  std::uint64_t quiet_ = 0;  // Refusals since then.
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_REFUSAL_LOG_H_
