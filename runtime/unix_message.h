// SPDX-License-Identifier: Apache-2.0
//
// Descriptors and credentials over Unix sockets.
//
//   int fds[] = {listener_fd};
//   IoResult put = co_await SendDescriptors(socket, "take this", fds);
//   ... in the other process:
//   UnixMessage got = co_await ReceiveDescriptors(socket, buffer);
//   auto listener = Listener::Adopt(runtime, got.descriptors[0].Release());
//
// What was sent with descriptors is read as far as their bytes go, and no read
// takes those of two sends together. Descriptors that a plain Read passes are
// lost (the system closes them).

#ifndef NETPOLL_RUNTIME_UNIX_MESSAGE_H_
#define NETPOLL_RUNTIME_UNIX_MESSAGE_H_

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"

namespace netpoll {

// The system's descriptor, closed at the end unless it was released.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd();

  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// Who is at the other end.
struct Credentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;

  friend bool operator==(const Credentials&, const Credentials&) = default;
};

struct [[nodiscard]] UnixMessage {
  std::size_t bytes = 0;  // 0: the end of a stream, if ok().
  // Close-on-exec, never 0, 1 or 2, and as blocking as their sender left them.
  std::vector<OwnedFd> descriptors;
  // Who sent it, as the system vouches: if ReceiveCredentials was called.
  std::optional<Credentials> sender;
  // Some of what was passed is lost: the process has no descriptors left.
  bool truncated = false;
  IoStatus status;

  bool ok() const { return status.ok(); }
};

namespace internal {

class SendDescriptorsOp : public IoOp {
 public:
  SendDescriptorsOp(FdState* fd, std::string_view data,
                    std::span<const int> descriptors)
      : IoOp(fd, Mode::kWrite, &Attempt),
        data_(data),
        descriptors_(descriptors) {}
  IoResult await_resume() const { return result(); }

 private:
  static bool Attempt(IoOp* op);
  std::string_view data_;
  std::span<const int> descriptors_;
};

class ReceiveDescriptorsOp : public IoOp {
 public:
  ReceiveDescriptorsOp(FdState* fd, std::span<char> buffer)
      : IoOp(fd, Mode::kRead, &Attempt), buffer_(buffer) {}
  UnixMessage await_resume() {
    message_.bytes = result().bytes;
    message_.status = result().status;
    return std::move(message_);
  }

 private:
  static bool Attempt(IoOp* op);
  std::span<char> buffer_;
  UnixMessage message_;
};

}  // namespace internal

// As Write, and passes copies of `descriptors` along, 253 at most, with the
// first byte; the caller keeps its own, open until this has ended. Of a stream
// `data` has at least one byte. EINVAL: no data, or too many; EBADF;
// EOPNOTSUPP: no Unix socket; the errno of the send; ETOOMANYREFS: too many are
// under way.
inline internal::SendDescriptorsOp SendDescriptors(
    const Descriptor& socket, std::string_view data,
    std::span<const int> descriptors) {
  return internal::SendDescriptorsOp(internal::StateOf(socket), data,
                                     descriptors);
}

// As Read, with what is passed along.
inline internal::ReceiveDescriptorsOp ReceiveDescriptors(
    const Descriptor& socket, std::span<char> buffer) {
  return internal::ReceiveDescriptorsOp(internal::StateOf(socket), buffer);
}

// SO_PASSCRED: from now on each message tells its sender. Call it before the
// peer sends.
absl::Status ReceiveCredentials(const Descriptor& socket);

// SO_PEERCRED: who connected, or listens, as of that moment.
absl::StatusOr<Credentials> PeerCredentials(const Descriptor& socket);

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_UNIX_MESSAGE_H_
