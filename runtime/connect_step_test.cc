// SPDX-License-Identifier: Apache-2.0
//
// The steps of a connect, one by one: each answer that the system may give at
// each of them.

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/connect.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;
using internal::sys;

// What connect says in turn, 0: what the system says. It is really made by the
// one that is numbered `made`.
std::vector<int> answers;
std::size_t connects = 0;
std::size_t made = 0;
int ScriptedConnect(int fd, const sockaddr* to, socklen_t size) {
  const std::size_t number = connects++;
  const int result = number == made ? ::connect(fd, to, size) : 0;
  if (number >= answers.size() || answers[number] == 0) return result;
  errno = answers[number];
  return -1;
}

std::atomic<int> error_asked{0};
std::atomic<int> names_asked{0};

class ConnectStepTest : public testing::Test {
 protected:
  ConnectStepTest() {
    answers.clear();
    connects = made = 0;
    error_asked = names_asked = 0;
  }

 private:
  const internal::SysOverride restore_;
};

SocketAddress UnixName() {
  return Parse("unix:@netpoll-steps-" + std::to_string(::getpid()));
}

// A Unix connect whose answers are these connects in the end, by so many calls.
void ExpectConnects(std::vector<int> script, std::size_t really) {
  answers = script;
  connects = 0;
  made = really;
  sys.connect = &ScriptedConnect;
  RunTest(1, [&script](Runtime& runtime) -> Task<> {
    auto listener = *Listener::Listen(runtime, UnixName());
    const auto socket = co_await Socket::Connect(runtime, listener.address(),
                                                 runtime.After(20s));
    EXPECT_TRUE(socket.ok()) << socket.status();
    EXPECT_EQ(connects, script.size());
    EXPECT_TRUE((co_await listener.Accept()).ok());
  });
}

TEST_F(ConnectStepTest, AUnixConnectIsMadeAgainUntilItIsDone) {
  ExpectConnects({EAGAIN, EAGAIN, 0}, 2);
  ExpectConnects({EAGAIN, EINTR, EAGAIN, 0}, 3);
  // An interrupted one was made after all.
  ExpectConnects({EINTR, EISCONN}, 0);
}

TEST_F(ConnectStepTest, OneThatIsUnderWayIsWaitedFor) {
  ExpectConnects({EAGAIN, EALREADY}, 1);
  ExpectConnects({EAGAIN, EINPROGRESS}, 1);
}

// The socket's error may be that there is none yet.
TEST_F(ConnectStepTest, AnErrorThatSaysWaitIsAskedForAgain) {
  sys.connect = [](int fd, const sockaddr* to, socklen_t size) {
    (void)::connect(fd, to, size);
    errno = EINPROGRESS;
    return -1;
  };
  static int first;
  sys.getsockopt = [](int fd, int level, int option, void* value,
                      socklen_t* size) {
    const int result = ::getsockopt(fd, level, option, value, size);
    if (option == SO_ERROR && ++error_asked == 1) {
      *static_cast<int*>(value) = first;
    }
    return result;
  };
  for (const int error : {EINPROGRESS, EALREADY, EINTR}) {
    first = error;
    error_asked = 0;
    RunTest(1, [](Runtime& runtime) -> Task<> {
      auto listener = *Listener::Listen(runtime, Loopback());
      const auto socket = co_await Socket::Connect(runtime, listener.address());
      EXPECT_TRUE(socket.ok()) << socket.status();
      EXPECT_GE(error_asked, 2);
    });
  }
}

TEST_F(ConnectStepTest, AUnixSocketIsNotAskedWhetherItMetItself) {
  sys.getsockname = [](int fd, sockaddr* name, socklen_t* size) {
    ++names_asked;
    return ::getsockname(fd, name, size);
  };
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto listener = *Listener::Listen(runtime, UnixName());
    names_asked = 0;
    EXPECT_TRUE((co_await Socket::Connect(runtime, listener.address())).ok());
    EXPECT_EQ(names_asked, 0);
  });
}

TEST_F(ConnectStepTest, AStoppedRuntimeCallsNobody) {
  sys.connect = &ScriptedConnect;
  RunTest(1, [](Runtime& runtime) -> Task<> {
    runtime.Stop();
    const auto socket = co_await Socket::Connect(runtime, Parse("127.0.0.1:9"));
    EXPECT_EQ(socket.status().code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(connects, 0u);
  });
}

Runtime* to_stop = nullptr;

TEST_F(ConnectStepTest, WhatStopDidToTheListenerIsNoNewsOfIt) {
  sys.connect = [](int, const sockaddr*, socklen_t) {
    to_stop->Stop();
    errno = ECONNREFUSED;
    return -1;
  };
  RunTest(1, [](Runtime& runtime) -> Task<> {
    to_stop = &runtime;
    const auto socket = co_await Socket::Connect(runtime, Parse("127.0.0.1:9"));
    EXPECT_EQ(socket.status().code(), absl::StatusCode::kCancelled)
        << socket.status();
  });
}

// One end that can't be opened is an error of the pair.
TEST_F(ConnectStepTest, APairHasBothEndsOrNone) {
  if (std::string(Runtime().backend()) == "poll") {
    GTEST_SKIP() << "poll looks at a descriptor when it is asked about";
  }
  static int broken;
  sys.socketpair = [](int family, int type, int how, int* ends) {
    const int result = ::socketpair(family, type, how, ends);
    ::close(ends[broken]);
    ends[broken] = 1'000'000;  // Above every limit.
    return result;
  };
  for (broken = 0; broken < 2; ++broken) {
    RunTest(1, [](Runtime& runtime) -> Task<> {
      EXPECT_FALSE(Socket::Pair(runtime).ok());
      co_return;
    });
  }
}

// --- Cancelling --------------------------------------------------------------

struct Peek : Socket {
  explicit Peek(Socket socket) : Socket(std::move(socket)) {}
  internal::FdState* state() { return state_; }
};

// Whoever leaves first, whoever came last: the others are still cancelled.
TEST_F(ConnectStepTest, WhoLeavesTakesNobodyElseAlong) {
  for (std::size_t leaver = 0; leaver < 3; ++leaver) {
    RunTest(1, [leaver](Runtime& runtime) -> Task<> {
      ConnectCanceller canceller;
      std::vector<Peek> sockets;
      std::array<std::optional<ConnectEntry>, 3> entries;
      for (auto& entry : entries) {
        auto ends = *Socket::Pair(runtime);
        sockets.emplace_back(std::move(ends.first));
        entry.emplace(&canceller, sockets.back().state());
      }
      entries[leaver].reset();
      canceller.Cancel();
      for (std::size_t i = 0; i < sockets.size(); ++i) {
        EXPECT_EQ(sockets[i].WithFd([](int) {}), i == leaver) << i;
      }
      for (auto& entry : entries) entry.reset();
      co_return;
    });
  }
}

}  // namespace
}  // namespace netpoll
