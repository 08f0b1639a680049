// SPDX-License-Identifier: Apache-2.0
//
// One long stream in one direction, by one of several ways.
//
//   stream                     the ways, as TASK BY
//   stream TASK BY MIB [KIB]   moves that much, in calls of so much (64);
//                              prints MiB a second, and nanoseconds of the
//                              processor for a KiB
//
// The peers are processes of their own, and no part of what is measured. The
// connections are TCP's, on the loopback. `compare` runs the ways side by side.

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "netpoll/tools/bench/die.h"
#include "netpoll/tools/bench/sockets.h"
#include "netpoll/tools/bench/stream/ways.h"

namespace netpoll::bench {
namespace {

constexpr StreamWay kWays[] = {
    {"write", "raw", &RawWrite},
    {"write", "raw, and looks", &RawWriteAndLook},
    {"write", "netpoll", &TaskWrite},
    {"write", "ZeroCopyWriter", &TaskWriteUncopied},
    {"read", "raw", &RawRead},
    {"read", "netpoll", &TaskRead},
    {"file", "raw", &RawFile},
    {"file", "netpoll", &TaskFile},
    {"forward", "raw", &RawForward},
    {"forward", "netpoll", &TaskForward},
    {"forward", "Read and Write", &TaskCopy},
};

struct Ends {
  int ours;    // Does not block.
  int theirs;  // Does.
};
Ends Connection() {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  auto* const any = reinterpret_cast<sockaddr*>(&name);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int theirs = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(listener, any, size) != 0 || ::listen(listener, 1) != 0 ||
      ::getsockname(listener, any, &size) != 0 ||
      ::connect(theirs, any, size) != 0) {
    DieErrno("a connection");
  }
  const int ours = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  if (ours < 0) DieErrno("accept");
  ::close(listener);
  return {ours, theirs};
}

// The first or the second of those on which this process may run; -1: there is
// but one. Each end stays on one: the system would move both to one and back,
// and nothing could be compared.
int CoreOf(int which) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return -1;
  if (CPU_COUNT(&allowed) < 2) return -1;
  int core = 0;
  for (int seen = CPU_ISSET(core, &allowed); seen <= which;) {
    seen += CPU_ISSET(++core, &allowed);
  }
  return core;
}

// A process that reads all there is, or writes for ever. It has no descriptor
// but its own.
void StartPeer(const Ends& ends, bool reads, const StreamJob& others) {
  const pid_t child = ::fork();
  if (child < 0) DieErrno("fork");
  if (child > 0) {
    ::close(ends.theirs);
    return;
  }
  PinToCore(CoreOf(1));
  for (const int fd : {ends.ours, others.in, others.out}) {
    if (fd >= 0) ::close(fd);
  }
  std::vector<char> block(256 << 10);
  for (;;) {
    // The bytes themselves are nobody's.
    const ssize_t moved =
        reads ? ::recv(ends.theirs, block.data(), block.size(), MSG_TRUNC)
              : ::send(ends.theirs, block.data(), block.size(), MSG_NOSIGNAL);
    if (moved <= 0) ::_exit(0);
  }
}

double CpuNanos() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e9 +
           static_cast<double>(time.tv_usec) * 1e3;
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

// Stays as long as the process.
std::span<char> Block(std::size_t size) {
  void* const pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) DieErrno("mmap");
  std::memset(pages, 'x', size);
  return {static_cast<char*>(pages), size};
}

void Measure(const StreamWay& way, StreamJob job) {
  const std::string task = way.task;
  if (task == "read" || task == "forward") {
    const Ends ends = Connection();
    StartPeer(ends, /*reads=*/false, job);
    job.in = ends.ours;
  }
  if (task != "read") {
    const Ends ends = Connection();
    StartPeer(ends, /*reads=*/true, job);
    job.out = ends.ours;
  }
  if (task == "file") {
    job.file = ::memfd_create("stream", MFD_CLOEXEC);
    if (::write(job.file, job.block.data(), job.block.size()) !=
        static_cast<ssize_t>(job.block.size())) {
      DieErrno("a file");
    }
  }
  PinToCore(CoreOf(0));
  const double cpu = CpuNanos();
  const std::int64_t began = NowNanos();
  way.run(job);
  const auto took = static_cast<double>(NowNanos() - began);
  const double spent = CpuNanos() - cpu;
  const auto bytes = static_cast<double>(job.bytes);
  std::printf("%.1f %.1f\n", bytes / (1 << 20) / (took / 1e9),
              spent / (bytes / 1024));
  while (::wait(nullptr) > 0) {
  }
}

int Main(int argc, char** argv) {
  if (argc == 1) {
    for (const StreamWay& way : kWays) std::printf("%s %s\n", way.task, way.by);
    return 0;
  }
  if (argc != 4 && argc != 5) {
    std::fprintf(stderr, "usage: stream [TASK BY MIB [KIB]]\n");
    return 2;
  }
  StreamJob job;
  job.bytes = std::strtoull(argv[3], nullptr, 10) << 20;
  const std::size_t size =
      (argc == 5 ? std::strtoull(argv[4], nullptr, 10) : 64) << 10;
  for (const StreamWay& way : kWays) {
    if (std::strcmp(way.task, argv[1]) != 0) continue;
    if (std::strcmp(way.by, argv[2]) != 0) continue;
    if (job.bytes == 0 || size == 0) break;
    job.block = Block(size);
    Measure(way, job);
    return 0;
  }
  std::fprintf(stderr, "stream: no %s %s of %s MiB\n", argv[1], argv[2],
               argv[3]);
  return 2;
}

}  // namespace
}  // namespace netpoll::bench

int main(int argc, char** argv) { return netpoll::bench::Main(argc, argv); }
