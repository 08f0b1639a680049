// SPDX-License-Identifier: Apache-2.0
//
// The raw loops.

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "netpoll/tools/bench/die.h"
#include "netpoll/tools/bench/stream/ways.h"

namespace netpoll::bench {
namespace {

// Waits for edges of some descriptors.
class Edges {
 public:
  void Watch(int fd) {
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                      .data = {.fd = fd}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
      DieErrno("epoll_ctl");
    }
  }
  // Until there are some.
  void Wait() { Take(-1); }
  // What there is.
  void Look() { Take(0); }

 private:
  void Take(int milliseconds) {
    epoll_event events[8];
    while (::epoll_wait(epoll_, events, 8, milliseconds) < 0) {
      if (errno != EINTR) DieErrno("epoll_wait");
    }
  }

  const int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
};

// What a call moved; 0: it would block.
std::size_t Moved(const char* call, ssize_t answer) {
  if (answer > 0) return static_cast<std::size_t>(answer);
  if (answer == 0) Die(std::string(call) + ": the stream has ended");
  if (errno == EAGAIN || errno == EINTR) return 0;
  DieErrno(call);
}

// Looks for events after so many blocks, though it waits for none; 0: never.
void WriteAll(const StreamJob& job, int looks_every) {
  Edges edges;
  edges.Watch(job.out);
  int blocks = 0;
  for (std::uint64_t sent = 0; sent < job.bytes; sent += job.block.size()) {
    for (std::size_t at = 0; at < job.block.size();) {
      const std::size_t put =
          Moved("send", ::send(job.out, job.block.data() + at,
                               job.block.size() - at, MSG_NOSIGNAL));
      at += put;
      if (put == 0) edges.Wait();
    }
    if (looks_every != 0 && ++blocks % looks_every == 0) edges.Look();
  }
  ::close(job.out);
}

}  // namespace

void RawWrite(const StreamJob& job) { WriteAll(job, 0); }
void RawWriteAndLook(const StreamJob& job) { WriteAll(job, 8); }

void RawRead(const StreamJob& job) {
  const std::span<char> block = job.block;
  Edges edges;
  edges.Watch(job.in);
  for (std::uint64_t all = 0; all < job.bytes;) {
    const std::size_t got =
        Moved("read", ::read(job.in, block.data(), block.size()));
    all += got;
    if (got < block.size() && all < job.bytes) edges.Wait();
  }
  ::close(job.in);
}

void RawFile(const StreamJob& job) {
  Edges edges;
  edges.Watch(job.out);
  for (std::uint64_t sent = 0; sent < job.bytes;) {
    off_t at = 0;
    while (static_cast<std::size_t>(at) < job.block.size()) {
      const std::size_t rest = job.block.size() - static_cast<std::size_t>(at);
      const std::size_t put =
          Moved("sendfile", ::sendfile(job.out, job.file, &at, rest));
      if (put == 0) edges.Wait();
    }
    sent += job.block.size();
  }
  ::close(job.out);
}

void RawForward(const StreamJob& job) {
  constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  int pipe[2];
  if (::pipe2(pipe, O_NONBLOCK | O_CLOEXEC) != 0) DieErrno("pipe2");
  Edges edges;
  edges.Watch(job.in);
  edges.Watch(job.out);
  for (std::uint64_t all = 0; all < job.bytes;) {
    const std::size_t got =
        Moved("splice",
              ::splice(job.in, nullptr, pipe[1], nullptr, 256 << 10, kFlags));
    if (got == 0) edges.Wait();
    for (std::size_t rest = got; rest > 0;) {
      const std::size_t put = Moved(
          "splice", ::splice(pipe[0], nullptr, job.out, nullptr, rest, kFlags));
      if (put == 0) edges.Wait();
      rest -= put;
    }
    all += got;
  }
  for (const int fd : {pipe[0], pipe[1], job.in, job.out}) ::close(fd);
}

}  // namespace netpoll::bench
