// SPDX-License-Identifier: Apache-2.0
//
// Connections that do nothing, or say half of something: for memory, idle CPU,
// and timeouts.

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "netpoll/tools/bench/die.h"
#include "netpoll/tools/bench/load.h"
#include "netpoll/tools/bench/sockets.h"

namespace netpoll::bench {
namespace {

constexpr std::int64_t kNanosPerMilli = 1'000'000;

class Hold {
 public:
  explicit Hold(const LoadOptions& options) : options_(options) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) DieErrno("epoll_create1");
    fds_ = ConnectAll(options.target, options.connections, &errors_);
    start_ = NowNanos();
    if (options.touch) {
      for (const int fd : fds_) Touch(fd);
    }
    for (const int fd : fds_) {
      epoll_event event{.events = EPOLLIN | EPOLLRDHUP, .data = {.fd = fd}};
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
        DieErrno("epoll_ctl");
      }
    }
  }

  ~Hold() {
    for (const int fd : fds_) ::close(fd);
    ::close(epoll_);
  }

  Report Run() {
    const std::int64_t end =
        options_.duration > 0
            ? start_ + static_cast<std::int64_t>(options_.duration * 1e9)
            : INT64_MAX;
    std::size_t said = 0;
    std::int64_t next_byte = start_;
    while (NowNanos() < end && !(options_.duration == 0 && StdinEnded())) {
      if (said < options_.text.size() && NowNanos() >= next_byte) {
        const std::size_t count =
            options_.interval > 0 ? 1 : options_.text.size();
        Say(options_.text.substr(said, count));
        said += count;
        next_byte += static_cast<std::int64_t>(options_.interval * 1e9);
      }
      TakeEvents();
    }
    return MakeReport();
  }

 private:
  // One message there and back.
  void Touch(int fd) {
    const std::string message(static_cast<std::size_t>(options_.size), 'x');
    if (::write(fd, message.data(), message.size()) < 0) {
      ++errors_;
      return;
    }
    char echo[65536];
    std::size_t received = 0;
    while (received < message.size()) {
      pollfd wait{.fd = fd, .events = POLLIN};
      const bool answered = ::poll(&wait, 1, 5000) == 1;
      const ssize_t size = answered ? ::read(fd, echo, sizeof(echo)) : -1;
      if (size <= 0) {
        ++errors_;
        return;
      }
      received += static_cast<std::size_t>(size);
    }
  }

  void Say(const std::string& text) {
    for (const int fd : fds_) {
      if (::write(fd, text.data(), text.size()) < 0 && errno == EAGAIN) {
        ++errors_;
      }
    }
  }

  static bool StdinEnded() {
    pollfd wait{.fd = 0, .events = POLLIN};
    char text[256];
    return ::poll(&wait, 1, 0) == 1 && ::read(0, text, sizeof(text)) <= 0;
  }

  void TakeEvents() {
    epoll_event events[128];
    const int count = ::epoll_wait(epoll_, events, 128, 20);
    char text[4096];
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      const ssize_t size = ::read(fd, text, sizeof(text));
      if (size > 0) {
        received_ += static_cast<std::uint64_t>(size);
      } else if (size == 0 || errno != EAGAIN) {
        closed_after_.push_back((NowNanos() - start_) / kNanosPerMilli);
        ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
      }
    }
  }

  Report MakeReport() {
    Report report;
    report.Add("connections", fds_.size());
    report.Add("received_bytes", received_);
    report.Add("closed_by_server", closed_after_.size());
    if (!closed_after_.empty()) {
      std::sort(closed_after_.begin(), closed_after_.end());
      const auto millis = [this](std::size_t i) {
        return static_cast<std::uint64_t>(closed_after_[i]);
      };
      report.Add("first_closed_ms", millis(0));
      report.Add("median_closed_ms", millis(closed_after_.size() / 2));
      report.Add("last_closed_ms", millis(closed_after_.size() - 1));
    }
    report.Add("errors", errors_);
    return report;
  }

  const LoadOptions& options_;
  int epoll_ = -1;
  std::int64_t start_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t errors_ = 0;
  std::vector<int> fds_;
  std::vector<std::int64_t> closed_after_;  // Milliseconds.
};

}  // namespace

Report RunHold(const LoadOptions& options) {
  Hold hold(options);
  // For whoever waits for the connections to be there.
  std::printf("holding\n");
  std::fflush(stdout);
  return hold.Run();
}

}  // namespace netpoll::bench
