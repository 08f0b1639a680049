// SPDX-License-Identifier: Apache-2.0
//
// The floor: an echo server that is nothing but an edge-triggered epoll loop on
// one thread, without any state for a connection. What a library costs is its
// distance from this.
//
//   once    one read and one write for a message. Reads on only when the read
//           filled the buffer, or the event says that the stream is ending.
//   eagain  reads until EAGAIN, the pattern of Go and of most libraries.
//   ring    no epoll: an io_uring of one thread (raw_ring.h). Linux 6.1.
//   multishot  the same, with one receive for a connection's life, into buffers
//           that the ring hands out (raw_ring_multishot.h).

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "netpoll/tools/bench/die.h"
#include "netpoll/tools/bench/raw_ring.h"
#include "netpoll/tools/bench/raw_ring_multishot.h"
#include "netpoll/tools/bench/sockets.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/values.h"

namespace netpoll::bench {
namespace {

class RawEcho {
 public:
  RawEcho(int listener, bool until_eagain)
      : listener_(listener), until_eagain_(until_eagain) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) DieErrno("epoll_create1");
    Add(listener_, EPOLLIN);
  }

  [[noreturn]] void Run() {
    epoll_event events[128];
    for (;;) {
      const int count = ::epoll_wait(epoll_, events, 128, -1);
      if (count < 0 && errno != EINTR) DieErrno("epoll_wait");
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == listener_) {
          AcceptAll();
        } else {
          Serve(events[i].data.fd, events[i].events);
        }
      }
    }
  }

 private:
  void Add(int fd, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = fd}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
      DieErrno("epoll_ctl");
    }
  }

  void AcceptAll() {
    for (;;) {
      const int fd =
          ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE) DieErrno("accept4");
        return;
      }
      SetNoDelay(fd);
      Add(fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
    }
  }

  void Serve(int fd, std::uint32_t events) {
    const bool drain = until_eagain_ || (events & ~EPOLLIN) != 0;
    for (;;) {
      const ssize_t size = ::read(fd, buffer_, sizeof(buffer_));
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) return;
      if (size <= 0 || !WriteAll(fd, size)) {
        ::close(fd);
        return;
      }
      if (!drain && size < static_cast<ssize_t>(sizeof(buffer_))) return;
    }
  }

  // A full socket buffer blocks the server: good enough for a floor.
  bool WriteAll(int fd, ssize_t size) {
    ssize_t sent = 0;
    while (sent < size) {
      const ssize_t result =
          ::write(fd, buffer_ + sent, static_cast<std::size_t>(size - sent));
      if (result >= 0) {
        sent += result;
      } else if (errno == EAGAIN) {
        pollfd wait{.fd = fd, .events = POLLOUT};
        ::poll(&wait, 1, -1);
      } else if (errno != EINTR) {
        return false;
      }
    }
    return true;
  }

  int listener_;
  bool until_eagain_;
  int epoll_;
  char buffer_[16384];
};

}  // namespace
}  // namespace netpoll::bench

int main(int argc, char** argv) {
  using namespace netpoll;         // NOLINT
  using namespace netpoll::bench;  // NOLINT
  tools::Address listen{.host = "127.0.0.1"};
  std::string mode = "once";
  std::int64_t core = -1;
  tools::Flags flags("raw_echo",
                     "Raw echo server, over epoll or a ring, to compare others "
                     "with.");
  flags.Endpoint("listen", "ADDRESS", &listen, kAddresses);
  flags.Choice("mode", "MODE", &mode, {"once", "eagain", "ring", "multishot"},
               "reads at a time; ring: io_uring's completions;\nmultishot: "
               "and one receive for all that comes");
  flags.Count("cpu", "CORE", &core, 0, "core to run on (any)");
  if (const auto status = flags.Parse(argc, argv)) return *status;
  const auto address = Resolve(listen);
  if (!address) {
    return flags.Refuse(std::string("--listen is not ") + kAddresses);
  }
  PinToCore(core);
  RaiseFileLimit();
  ::signal(SIGPIPE, SIG_IGN);
  const int listener = Listen(*address);
  std::printf("listening on %s\n", LocalAddress(listener).c_str());
  std::fflush(stdout);
  if (mode == "ring") RawRing(listener).Run();
  if (mode == "multishot") RawMultishotRing(listener).Run();
  RawEcho(listener, mode == "eagain").Run();
}
