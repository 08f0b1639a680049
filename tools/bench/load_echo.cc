// SPDX-License-Identifier: Apache-2.0
//
// The loops of echo_load: closed, and open at a rate.

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "netpoll/tools/bench/die.h"
#include "netpoll/tools/bench/load.h"
#include "netpoll/tools/bench/process_meter.h"
#include "netpoll/tools/bench/sockets.h"
#include "netpoll/tools/common/histogram.h"

namespace netpoll::bench {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
constexpr std::int64_t kHangSeconds = 5;
constexpr std::size_t kChunk = 65536;

struct Connection {
  int fd = -1;
  bool floods = false;
  // Bytes, since the connection was made.
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t messages = 0;  // In the measured phase.
  // When the messages under way were sent, or were due: the oldest first.
  std::deque<std::int64_t> sent_at;
};

class EchoLoad {
 public:
  explicit EchoLoad(const LoadOptions& options)
      : options_(options),
        size_(static_cast<std::uint64_t>(options.size)),
        buffer_(std::max(kChunk, static_cast<std::size_t>(options.size))) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) DieErrno("epoll_create1");
    const std::vector<int> fds = ConnectAll(
        options.target, options.connections + options.flooders, &errors_);
    if (fds.empty()) Die("no connection could be made");
    for (const int fd : fds) {
      Connection& connection = connections_.emplace_back();
      connection.fd = fd;
      connection.floods =
          connections_.size() > static_cast<std::size_t>(options.connections);
      Watch(connections_.size() - 1, EPOLL_CTL_ADD, EPOLLIN);
    }
  }

  ~EchoLoad() {
    for (const Connection& connection : connections_) {
      if (connection.fd >= 0) ::close(connection.fd);
    }
    ::close(epoll_);
  }

  Report Run() {
    RunPhase(options_.warmup);
    for (Connection& connection : connections_) connection.messages = 0;
    messages_ = flood_bytes_ = 0;
    latency_ = tools::Histogram();
    std::unique_ptr<ProcessMeter> meter;
    if (options_.server != 0) {
      meter = std::make_unique<ProcessMeter>(options_.server, options_.meter);
      meter->Start();
    }
    const std::int64_t start = NowNanos();
    RunPhase(options_.duration);
    const double seconds =
        static_cast<double>(NowNanos() - start) / kNanosPerSecond;
    Report report = MakeReport(seconds);
    if (meter != nullptr) report.AddServer(ReadingToJson(meter->Stop()));
    return report;
  }

 private:
  void Watch(std::size_t index, int operation, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.u64 = index}};
    if (::epoll_ctl(epoll_, operation, connections_[index].fd, &event) != 0) {
      DieErrno("epoll_ctl");
    }
  }

  // The byte at a position of a connection's stream: the number of its message.
  char Byte(std::uint64_t position) const {
    return static_cast<char>(position / size_);
  }

  // Sends for so long, then waits until everything has come back.
  void RunPhase(double seconds) {
    now_ = NowNanos();
    end_ = now_ + static_cast<std::int64_t>(seconds * kNanosPerSecond);
    under_way_ = 0;
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      Connection& connection = connections_[i];
      if (connection.fd < 0) continue;
      if (connection.floods) {
        Watch(i, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        continue;
      }
      if (options_.rate > 0) continue;
      for (std::int64_t k = 0; k < options_.depth; ++k) Send(connection, now_);
    }
    epoll_event events[128];
    std::int64_t progress = now_;
    for (due_ = now_; now_ < end_ || under_way_ > 0;) {
      const int count = ::epoll_wait(epoll_, events, 128, Wait());
      now_ = NowNanos();
      for (int i = 0; i < count; ++i) {
        Serve(static_cast<std::size_t>(events[i].data.u64), events[i].events);
      }
      if (count > 0) progress = now_;
      if (now_ - progress > kHangSeconds * kNanosPerSecond) {
        ++errors_;  // The server owes us an answer and is silent.
        break;
      }
      SendDue();
    }
  }

  // Milliseconds until the next message is due, rounded down: the last one is
  // spent looking.
  int Wait() const {
    if (options_.rate == 0 || due_ >= end_) return 100;
    return static_cast<int>(
        std::clamp<std::int64_t>((due_ - now_) / 1'000'000, 0, 100));
  }

  // What is due by now, on the connections in turn.
  void SendDue() {
    if (options_.rate == 0) return;
    for (; due_ <= now_ && due_ < end_; due_ = DueAfter(due_)) {
      for (std::size_t tries = 0; tries < connections_.size(); ++tries) {
        Connection& connection = connections_[next_++ % connections_.size()];
        if (connection.fd < 0 || connection.floods) continue;
        Send(connection, due_);
        break;
      }
    }
  }
  std::int64_t DueAfter(std::int64_t due) const {
    return due + std::max<std::int64_t>(kNanosPerSecond / options_.rate, 1);
  }

  void Serve(std::size_t index, std::uint32_t events) {
    Connection& connection = connections_[index];
    if (connection.fd < 0) return;
    if (connection.floods && (events & EPOLLOUT) != 0) Flood(index);
    if (connection.fd < 0 || (events & ~EPOLLOUT) == 0) return;
    const ssize_t size = ::read(connection.fd, buffer_.data(), kChunk);
    if (size > 0) {
      Received(connection, static_cast<std::uint64_t>(size));
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
      Fail(connection);
    }
  }

  void Received(Connection& connection, std::uint64_t size) {
    under_way_ -= size;
    const std::uint64_t from = connection.received;
    connection.received += size;
    if (connection.floods) {
      flood_bytes_ += size;
      return;
    }
    if (buffer_[0] != Byte(from) ||
        buffer_[size - 1] != Byte(connection.received - 1)) {
      ++errors_;
    }
    if (from / size_ == connection.received / size_) return;
    now_ = NowNanos();
    for (std::uint64_t k = from / size_; k < connection.received / size_; ++k) {
      latency_.Record(
          static_cast<std::uint64_t>(now_ - connection.sent_at.front()));
      connection.sent_at.pop_front();
      ++messages_;
      ++connection.messages;
      if (options_.rate == 0 && now_ < end_) Send(connection, now_);
    }
  }

  // `at`: when the message was due.
  void Send(Connection& connection, std::int64_t at) {
    connection.sent_at.push_back(at);
    ::memset(buffer_.data(), Byte(connection.sent), size_);
    std::size_t done = 0;
    while (done < size_) {
      const ssize_t size =
          ::write(connection.fd, buffer_.data() + done, size_ - done);
      if (size > 0) {
        done += static_cast<std::size_t>(size);
      } else if (errno == EAGAIN) {
        pollfd wait{.fd = connection.fd, .events = POLLOUT};
        ::poll(&wait, 1, static_cast<int>(kHangSeconds) * 1000);
      } else if (errno != EINTR) {
        Fail(connection);
        return;
      }
    }
    connection.sent += size_;
    under_way_ += size_;
  }

  // One write at a time, so that the other connections are served in between.
  void Flood(std::size_t index) {
    Connection& connection = connections_[index];
    if (now_ >= end_) {
      Watch(index, EPOLL_CTL_MOD, EPOLLIN);
      return;
    }
    const ssize_t size = ::write(connection.fd, buffer_.data(), kChunk / 4);
    if (size > 0) {
      connection.sent += static_cast<std::uint64_t>(size);
      under_way_ += static_cast<std::uint64_t>(size);
    } else if (errno != EAGAIN && errno != EINTR) {
      Fail(connection);
    }
  }

  void Fail(Connection& connection) {
    if (connection.fd < 0) return;
    ++errors_;
    under_way_ -= connection.sent - connection.received;
    ::close(connection.fd);
    connection.fd = -1;
  }

  Report MakeReport(double seconds) const {
    std::uint64_t least = ~std::uint64_t{0};
    std::uint64_t most = 0;
    for (const Connection& connection : connections_) {
      if (connection.floods) continue;
      least = std::min(least, connection.messages);
      most = std::max(most, connection.messages);
    }
    const auto micros = [this](double q) {
      return static_cast<double>(latency_.Percentile(100 * q)) / 1000;
    };
    Report report;
    report.Add("connections", connections_.size());
    report.Add("seconds", seconds);
    if (options_.rate > 0) {
      report.Add("rate", static_cast<std::uint64_t>(options_.rate));
    }
    report.Add("messages", messages_);
    report.Add("messages_per_second", static_cast<double>(messages_) / seconds);
    report.Add("p50_us", micros(0.5));
    report.Add("p99_us", micros(0.99));
    report.Add("p999_us", micros(0.999));
    report.Add("max_us", static_cast<double>(latency_.max()) / 1000);
    report.Add("least_per_connection", messages_ == 0 ? 0 : least);
    report.Add("most_per_connection", most);
    if (options_.flooders > 0) {
      report.Add("flood_bytes_per_second",
                 static_cast<double>(flood_bytes_) / seconds);
    }
    report.Add("errors", errors_);
    return report;
  }

  const LoadOptions& options_;
  const std::uint64_t size_;
  std::vector<char> buffer_;
  int epoll_ = -1;
  std::vector<Connection> connections_;
  std::int64_t now_ = 0;
  std::int64_t end_ = 0;
  std::int64_t due_ = 0;         // The next message, of a rate.
  std::size_t next_ = 0;         // And its connection.
  std::uint64_t under_way_ = 0;  // Bytes sent and not come back.
  std::uint64_t messages_ = 0;
  std::uint64_t flood_bytes_ = 0;
  std::uint64_t errors_ = 0;
  tools::Histogram latency_;
};

}  // namespace

Report RunEcho(const LoadOptions& options) { return EchoLoad(options).Run(); }

}  // namespace netpoll::bench
