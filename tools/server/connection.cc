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

void Connection::StartTurn(std::uint64_t number, Awaited awaited) {
  const auto turn = static_cast<std::uint32_t>(number);
  if (turn == turn_ && awaited == awaited_) return;
  const bool begins = turn != turn_;
  const bool was_limited = began_ != 0;
  turn_ = turn;
  awaited_ = awaited;
  if (Limit().count() == 0) {
    began_ = 0;
    if (was_limited) socket().SetReadDeadline(Deadline());
    return;
  }
  if (begins || !was_limited) began_ = Runtime::Now();
  socket().SetReadDeadline(TurnEnds());
}

std::chrono::nanoseconds Connection::Limit() const {
  return server().options().LimitOf(awaited_ == Awaited::kHeader,
                                    awaited_ != Awaited::kNext);
}

Deadline Connection::TurnEnds() const {
  return began_ == 0 ? Deadline() : Deadline::After(began_, Limit());
}

void Connection::StartWrite() {
  const std::chrono::nanoseconds limit = server().options().write_timeout;
  if (limit.count() == 0) return;
  socket().SetWriteDeadline(Runtime::After(limit));
  write_limited_ = true;
}

bool Connection::EndWrite(IoResult put) {
  // What is written next may have to wait, too, and then has time of its own.
  if (write_limited_) {
    write_limited_ = false;
    socket().SetWriteDeadline(Deadline::None());
  }
  counts.bytes_out += put.bytes;
  if (!put.ok()) Ended(put.status);
  return put.ok();
}

bool Connection::WokenToDrain() {
  if (!reads_ || !server().draining()) return false;
  const Deadline ends = TurnEnds();
  if (!ends.none() && Runtime::Now() >= ends.value()) return false;
  socket().SetReadDeadline(ends);
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
