// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/connection.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "netpoll/core/deadline.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {
namespace {

// What a client may still send after its last answer.
constexpr std::chrono::seconds kLingerTime{1};
constexpr std::size_t kLingerBytes = std::size_t{1} << 20;

}  // namespace

void Connection::StartTurn(std::uint64_t turn, Awaited awaited) {
  if (turn == turn_ && awaited == awaited_) return;
  const bool begins = turn != turn_;
  turn_ = turn;
  awaited_ = awaited;
  const std::chrono::nanoseconds limit = server().options().LimitOf(
      awaited == Awaited::kHeader, awaited != Awaited::kNext);
  if (limit.count() == 0) {
    if (!deadline_.none()) socket().SetReadDeadline(deadline_ = Deadline());
    began_ = 0;
    return;
  }
  if (begins || began_ == 0) began_ = Runtime::Now();
  deadline_ = Deadline::After(began_, limit);
  socket().SetReadDeadline(deadline_);
}

void Connection::StartWrite() {
  const std::chrono::nanoseconds limit = server().options().write_timeout;
  if (limit.count() == 0) return;
  socket().SetWriteDeadline(Runtime::After(limit));
  write_limited_ = true;
}

// What is written next may have to wait, too, and then has time of its own.
void Connection::EndWrite() {
  if (!write_limited_) return;
  write_limited_ = false;
  socket().SetWriteDeadline(Deadline::None());
}

bool Connection::WokenToDrain() {
  if (!server().draining()) return false;
  if (!deadline_.none() && Runtime::Now() >= deadline_.value()) return false;
  socket().SetReadDeadline(deadline_);
  return true;
}

IoResult Connection::ReadNow(std::span<char> buffer) {
  ssize_t got = -1;
  int error = 0;
  const auto receive = [&](int fd) {
    do {
      got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      error = got < 0 ? errno : 0;
    } while (error == EINTR);
  };
  if (!socket().WithFd(receive)) {
    return {0, IoStatus::FromPoll(PollError::kClosing)};
  }
  if (got >= 0) return {static_cast<std::size_t>(got), {}};
  if (error == EAGAIN || error == EWOULDBLOCK) {
    return {0, IoStatus::FromPoll(PollError::kTimeout)};
  }
  return {0, IoStatus::FromErrno(error)};
}

void Connection::Ended(IoStatus status) {
  if (status.timeout()) {
    if (!server().draining()) ++counts.timeouts;
    return;
  }
  switch (status.error_number()) {
    case 0:
    case ECONNRESET:
    case EPIPE:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return;
    default:
      ++counts.errors;
  }
}

Task<void> Connection::Linger() {
  if (!socket().ShutdownWrite().ok()) co_return;
  socket().SetReadDeadline(Runtime::After(kLingerTime));
  std::array<char, 4096> discarded;
  for (std::size_t seen = 0; seen < kLingerBytes;) {
    const IoResult got = co_await socket().Read(discarded);
    if (!got.ok() || got.bytes == 0) co_return;
    seen += got.bytes;
  }
}

}  // namespace netpoll::server
