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

#include "netpoll/core/delta.h"
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

Connection::Connection(Server& server, Socket socket)
    : server_(server), socket_(std::move(socket)) {
  server_.Enter(this);
}

void Connection::StartTurn(std::uint64_t turn) {
  if (turn == turn_ || server_.options().read_timeout.count() == 0) return;
  turn_ = turn;
  deadline_ = Runtime::After(server_.options().read_timeout);
  socket_.SetReadDeadline(deadline_);
}

bool Connection::WokenToDrain() {
  if (!server_.draining()) return false;
  if (!deadline_.none() && Runtime::Now() >= deadline_.value()) return false;
  socket_.SetReadDeadline(deadline_);
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
  if (!socket_.WithFd(receive)) {
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
    if (!server_.draining()) ++counts.timeouts;
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
  if (!socket_.ShutdownWrite().ok()) co_return;
  socket_.SetReadDeadline(Runtime::After(kLingerTime));
  std::array<char, 4096> discarded;
  for (std::size_t seen = 0; seen < kLingerBytes;) {
    const IoResult got = co_await socket_.Read(discarded);
    if (!got.ok() || got.bytes == 0) co_return;
    seen += got.bytes;
  }
}

}  // namespace netpoll::server
