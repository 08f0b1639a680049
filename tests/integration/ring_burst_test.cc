// SPDX-License-Identifier: Apache-2.0
//
// Many connections over a ring, each with a read under way: what each costs in
// memory, that all reads end when all peers speak, or the runtime stops, while
// the worker is away, and in how many calls; and that no message costs memory.
//
// The peers are another process's, so that the limit of open descriptors is one
// for each connection. Calls of the ring are counted: this program's `syscall`
// is in front of the C library's.

#include <dlfcn.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/event.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace {
std::atomic<std::int64_t> enters{0};  // So many io_uring_enter.
}  // namespace

extern "C" long syscall(long number, ...) {
  using Call = long (*)(long, ...);
  static const auto next =
      reinterpret_cast<Call>(::dlsym(RTLD_NEXT, "syscall"));
  va_list list;
  va_start(list, number);
  long given[6];
  for (long& each : given) each = va_arg(list, long);
  va_end(list);
  if (number == SYS_io_uring_enter) ++enters;
  return next(number, given[0], given[1], given[2], given[3], given[4],
              given[5]);
}

namespace netpoll {
namespace {

std::size_t Allocated() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

// How many connections there are to be: the environment's number, or as many as
// the process may have descriptors.
int Connections() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const char* const asked = std::getenv("NETPOLL_CONNECTIONS");
  const auto room =
      static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 20)) - 60;
  return static_cast<int>(
      std::min<std::int64_t>(asked != nullptr ? std::atoi(asked) : 448, room));
}

// A process with the other ends of streams, which says a byte on each when it
// is told to, and ends with this.
class Peers {
 public:
  Peers() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_),
              0);
    child_ = ::fork();
    if (child_ == 0) Serve();
    ::close(ends_[1]);
  }
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;
  ~Peers() {
    ::close(ends_[0]);
    int status = 0;
    EXPECT_EQ(::waitpid(child_, &status, 0), child_);
    EXPECT_EQ(status, 0);
  }

  // One end of a new stream.
  int Make() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                           0, fds),
              0);
    Message message('f');
    message.Pass(fds[1]);
    EXPECT_EQ(::sendmsg(ends_[0], &message.header, 0), 1);
    ::close(fds[1]);
    return fds[0];
  }
  // Returns when each has said it.
  void SayAll() {
    char word = 's';
    EXPECT_EQ(::send(ends_[0], &word, 1, 0), 1);
    EXPECT_EQ(::recv(ends_[0], &word, 1, 0), 1);
  }

 private:
  // A byte, and maybe a descriptor.
  struct Message {
    explicit Message(char what) : word(what) {
      header.msg_iov = &part;
      header.msg_iovlen = 1;
    }
    void Room() {
      header.msg_control = room;
      header.msg_controllen = sizeof(room);
    }
    void Pass(int fd) {
      Room();
      cmsghdr* const passed = CMSG_FIRSTHDR(&header);
      passed->cmsg_level = SOL_SOCKET;
      passed->cmsg_type = SCM_RIGHTS;
      passed->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(passed), &fd, sizeof(fd));
    }

    char word;
    iovec part{&word, 1};
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};
  };

  [[noreturn]] void Serve() {
    ::close(ends_[0]);
    std::vector<int> peers;
    for (;;) {
      Message message(0);
      message.Room();
      if (::recvmsg(ends_[1], &message.header, 0) != 1) ::_exit(0);
      if (message.word == 'f') {
        const cmsghdr* const passed = CMSG_FIRSTHDR(&message.header);
        if (passed == nullptr) ::_exit(1);
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(passed), sizeof(fd));
        peers.push_back(fd);
        continue;
      }
      for (const int fd : peers) {
        if (::send(fd, "x", 1, 0) != 1) ::_exit(2);
      }
      ::send(ends_[1], "k", 1, 0);
    }
  }

  int ends_[2] = {-1, -1};
  pid_t child_ = -1;
};

// What the sessions tell whoever waits for them.
struct Heard {
  void Await(int more) {
    left = more;
    all.Reset();
  }
  void One() {
    if (--left == 0) all.Set();
  }

  int left = 0;
  int closing = 0;
  Event all;
};

Task<> Session(Socket socket, Heard& heard) {
  char byte;
  for (;;) {
    const IoResult got = co_await socket.Read({&byte, 1});
    if (got.bytes != 1) {
      heard.closing += got.status.closing() ? 1 : 0;
      co_return;
    }
    heard.One();
  }
}

// Until so many reads wait, and the ring has them.
Task<> Settle(Runtime& runtime, int parked) {
  while (runtime.stats().parked < parked) co_await runtime.Yield();
  for (int i = 0; i < 200; ++i) co_await runtime.Yield();
}

class RingBurstTest : public testing::Test {
 protected:
  // `body` returns a Task, which has the only worker.
  template <class Body>
  void RunInRing(Body body) {
    Runtime runtime({.threads = 1, .backend = "io_uring", .completions = true});
    if (!runtime.status().ok() || !runtime.backend_note().empty()) {
      GTEST_SKIP() << runtime.status() << runtime.backend_note();
    }
    runtime.Spawn(body(runtime));
    const absl::Status status = RunWatched(runtime);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(heard_.closing, connections_);
    EXPECT_EQ(runtime.stats().parked, 0);
  }

  // With this many more.
  void Open(Runtime& runtime, int more) {
    for (int i = 0; i < more; ++i) {
      auto socket = Socket::Adopt(runtime, peers_.Make());
      ASSERT_TRUE(socket.ok()) << socket.status();
      runtime.Spawn(Session(*std::move(socket), heard_));
    }
  }

  // Session and socket, with all that they have, but for what the kernel keeps.
  void ExpectLittle(std::size_t each) const {
    std::printf("%d connections, %zu bytes each\n", connections_, each);
    EXPECT_LE(each, kMost + (connections_ == kFew ? 0 : kUnused));
  }

  // The poller has room for 64 slots, 192, 448 and so on: no more than there
  // are.
  static constexpr int kWarmUp = 64;
  static constexpr int kFew = 448;
  // 815 with gcc 12, and a tenth more.
  static constexpr std::size_t kMost = 896;
  // Arrays that double, of which half may be unused: the slots (96), room for
  // two timers (48), the numbers of what is open (8).
  static constexpr std::size_t kUnused = 152;

  const int connections_ = Connections();
  Peers peers_;
  Heard heard_;
};

TEST_F(RingBurstTest, AllThatIsSaidAtOnceIsHeardAndNothingGrows) {
  if (connections_ < kFew) GTEST_SKIP() << "few descriptors are allowed";
  // A spin, or a call for each of them, would be more.
  const std::int64_t most_calls = connections_ / 8 + 64;
  RunInRing([this, most_calls](Runtime& runtime) -> Task<> {
    Open(runtime, kWarmUp);
    co_await Settle(runtime, kWarmUp);
    const std::size_t before = Allocated();
    Open(runtime, connections_ - kWarmUp);
    co_await Settle(runtime, connections_);
    const std::size_t after = Allocated();
    for (int i = 0; i < 3; ++i) {
      heard_.Await(connections_);
      const std::int64_t calls = enters;
      peers_.SayAll();  // The worker is away until all have spoken.
      co_await heard_.all.Wait();
      EXPECT_LE(enters - calls, most_calls);
      // Each has begun its next read.
      co_await Settle(runtime, connections_);
    }
    // Less than a byte each.
    EXPECT_LT(Allocated(), after + static_cast<std::size_t>(connections_));
    ExpectLittle((after - before) /
                 static_cast<std::size_t>(connections_ - kWarmUp));
    const std::int64_t calls = enters;
    runtime.Stop();
    while (heard_.closing < connections_) co_await runtime.Yield();
    EXPECT_LE(enters - calls, most_calls);
  });
}

}  // namespace
}  // namespace netpoll
