// SPDX-License-Identifier: Apache-2.0
//
// Rests: how often a task tries for nothing before it begins to rest, how long
// each rest is, and what renews its patience. The clock stands still but for
// what a test adds to it, and a test wakes whom it means to, so every figure is
// exact, on every backend of this build.

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

std::atomic<std::int64_t> clock_now{0};
std::atomic<int> connects{0};

constexpr int kPatience = 4;

class RestTest : public BackendsTest {
 protected:
  RestTest() {
    clock_now = internal::MonotonicNow();
    internal::sys.now = [] { return clock_now.load(); };
    internal::sys.connect = [](int fd, const sockaddr* to, socklen_t size) {
      ++connects;
      return ::connect(fd, to, size);
    };
  }

 private:
  const internal::SysOverride restore_;
};
NETPOLL_INSTANTIATE_BACKENDS(RestTest);

void AdvanceMicros(std::int64_t micros) { clock_now += micros * 1'000; }

// "never", or "in 1000 us".
std::string NextRestEnds(Runtime& runtime) {
  const std::string text = runtime.DumpState();
  const std::string label = "next sleep ends ";
  const std::size_t begin = text.find(label) + label.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

// A handle whose waiters can be woken for nothing.
template <class Handle>
class Woken : public Handle {
 public:
  explicit Woken(Handle handle) : Handle(std::move(handle)) {}

  internal::FdState& state() { return *this->state_; }
  // Of an event; the system has reported none.
  void Report(Mode mode, EventFlags flags = {}) {
    PollResult wake;
    HostPoller::Desc* const desc = state().desc;
    EXPECT_TRUE(desc->Ready(desc->generation(), mode, flags, wake));
    state().scheduler.MakeRunnable(wake);
  }
};

Task<> WaitParked(Runtime& runtime, int count = 1) {
  while (runtime.stats().parked < count) co_await runtime.Yield();
}

// Wakes the only task that waits, for nothing, `times` times.
template <class Handle>
Task<> WakeForNothing(Runtime& runtime, Woken<Handle>& handle, Mode mode,
                      int times, std::int64_t micros_each = 0,
                      EventFlags flags = {}) {
  for (int i = 0; i < times; ++i) {
    co_await WaitParked(runtime);
    AdvanceMicros(micros_each);
    handle.Report(mode, flags);
    co_await runtime.Yield();
  }
  co_await WaitParked(runtime);
}

Task<IoStatus> ReadOne(Descriptor& handle) {
  std::array<char, 8> room;
  co_return (co_await handle.Read(room)).status;
}

TEST_P(RestTest, ATaskRestsWhenItsPatienceIsAtItsEnd) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    Woken<Socket> socket(std::move(ends.first));
    auto reading = runtime.Spawn(ReadOne(socket));
    co_await WakeForNothing(runtime, socket, Mode::kRead, kPatience);
    EXPECT_EQ(NextRestEnds(runtime), "never");
    co_await WakeForNothing(runtime, socket, Mode::kRead, 1);
    EXPECT_EQ(NextRestEnds(runtime), "in 1000 us");
    // Who rests is not woken by events.
    co_await WakeForNothing(runtime, socket, Mode::kRead, 3);
    EXPECT_EQ(NextRestEnds(runtime), "in 1000 us");
    // A deadline ends the rest with the operation.
    socket.SetReadDeadline(Deadline::Past());
    const IoStatus status = co_await std::move(reading);
    EXPECT_TRUE(status.timeout()) << status.ToString();
    EXPECT_EQ(NextRestEnds(runtime), "never");
  });
}

// Who has waited 20 ms does not spin.
TEST_P(RestTest, AWaitThatLastedRenewsThePatience) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    Woken<Socket> socket(std::move(ends.first));
    auto reading = runtime.Spawn(ReadOne(socket));
    co_await WakeForNothing(runtime, socket, Mode::kRead, 20, 20'000);
    EXPECT_EQ(NextRestEnds(runtime), "never");
    co_await WakeForNothing(runtime, socket, Mode::kRead, kPatience, 19'000);
    EXPECT_EQ(NextRestEnds(runtime), "in 1000 us");
    socket.CloseNow();
    EXPECT_TRUE((co_await std::move(reading)).closing());
  });
}

TEST_P(RestTest, ProgressRenewsThePatience) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    Woken<Socket> socket(std::move(ends.first));
    auto write = [](Socket& s) -> Task<IoStatus> {
      const std::string data(64 << 20, 'x');
      co_return (co_await s.Write(data)).status;
    };
    auto writing = runtime.Spawn(write(socket));
    co_await WakeForNothing(runtime, socket, Mode::kWrite, kPatience);
    EXPECT_EQ(NextRestEnds(runtime), "never");
    // Room is made, and used up.
    std::vector<char> room(1 << 20);
    std::size_t moved = 0;
    while (moved < (1 << 20)) {
      const IoResult got = co_await ends.second.Read(room);
      EXPECT_TRUE(got.ok());
      moved += got.bytes;
      for (int i = 0; i < 200; ++i) co_await runtime.Yield();
    }
    co_await WakeForNothing(runtime, socket, Mode::kWrite, kPatience);
    EXPECT_EQ(NextRestEnds(runtime), "never");
    co_await WakeForNothing(runtime, socket, Mode::kWrite, 1);
    EXPECT_EQ(NextRestEnds(runtime), "in 1000 us");
    socket.CloseNow();
    EXPECT_TRUE((co_await std::move(writing)).closing());
  });
}

// Where no event will tell, each try is followed by a rest: of 1 ms, 2, 4 and
// so on, up to 100.
TEST_P(RestTest, RestsGrowFromOneMillisecondToAHundred) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto listener = *Listener::Listen(
        runtime, Parse("unix:@netpoll-rest-" + std::to_string(::getpid())), 0);
    std::vector<int> queued;
    for (bool full = false; !full;) {
      queued.push_back(
          ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      const SocketAddress& to = listener.address();
      full = ::connect(queued.back(), to.data(), to.size()) != 0;
    }
    ConnectCanceller cancel;
    auto connect = [](Runtime& r, SocketAddress to,
                      ConnectCanceller& canceller) -> Task<absl::Status> {
      const auto socket =
          co_await Socket::Connect(r, to, ConnectOptions{.cancel = &canceller});
      co_return socket.status();
    };
    connects = 0;
    auto connecting =
        runtime.Spawn(connect(runtime, listener.address(), cancel));
    int tries = 2;  // Before it waits, and as it begins to.
    for (const int micros : {1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 64'000,
                             100'000, 100'000, 100'000}) {
      while (connects < tries) co_await runtime.Yield();
      co_await WaitParked(runtime);
      EXPECT_EQ(NextRestEnds(runtime), "in " + std::to_string(micros) + " us");
      AdvanceMicros(micros - 1);
      for (int i = 0; i < 200; ++i) co_await runtime.Yield();
      EXPECT_EQ(connects, tries) << "it did not rest";
      AdvanceMicros(1);
      ++tries;
    }
    cancel.Cancel();
    const absl::Status status = co_await std::move(connecting);
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
    for (const int fd : queued) ::close(fd);
  });
}

// --- Reports of errors -------------------------------------------------------

// Where edges are reported each report is news; where levels are, one that
// stays would spin.
TEST_P(RestTest, AReportOfAnErrorOnASocketIsNewsOrIsRestedUpon) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    Woken<Socket> socket(std::move(ends.first));
    auto reading = runtime.Spawn(ReadOne(socket));
    co_await WakeForNothing(runtime, socket, Mode::kRead, 20, 0,
                            {.error = true});
    EXPECT_EQ(NextRestEnds(runtime),
              internal::SchedulerOf(runtime).poller().reports_levels()
                  ? "in 1000 us"
                  : "never");
    EXPECT_TRUE((co_await ends.second.Write("x")).ok());
    AdvanceMicros(1'000);
    EXPECT_TRUE((co_await std::move(reading)).ok());
  });
}

short told = POLLERR;  // What poll(2) says.

// An error that stays counts as readiness at once, then every 100 ms; when it
// has gone, events tell what follows.
TEST_P(RestTest, AnErrorThatStaysIsReadinessNowAndThen) {
  internal::sys.poll = [](pollfd* query, nfds_t, int) {
    query->revents = told;
    return told == 0 ? 0 : 1;
  };
  told = POLLERR;
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    Woken<Socket> socket(std::move(ends.first));
    EXPECT_TRUE((co_await socket.WaitReadable()).ok());
    auto wait = [](Socket& s) -> Task<IoStatus> {
      co_return co_await s.WaitReadable();
    };
    auto second = runtime.Spawn(wait(socket));
    co_await WaitParked(runtime);
    EXPECT_EQ(NextRestEnds(runtime), "in 1000 us");
    AdvanceMicros(100'000);
    EXPECT_TRUE((co_await std::move(second)).ok());
    auto third = runtime.Spawn(wait(socket));
    co_await WaitParked(runtime);
    told = 0;
    AdvanceMicros(1'000);
    for (int i = 0; i < 200; ++i) co_await runtime.Yield();
    co_await WaitParked(runtime);
    EXPECT_EQ(NextRestEnds(runtime), "never");
    socket.CloseNow();
    EXPECT_TRUE((co_await std::move(third)).closing());
  });
}

// No queue of errors explains that of a pipe: it is told.
TEST_P(RestTest, ReportsOfErrorsOnAPipeAreTold) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto pipe = *Descriptor::Pipe(runtime);
    Woken<Descriptor> end(std::move(pipe.read));
    auto reading = runtime.Spawn(ReadOne(end));
    for (int i = 0; i < 50 && !reading.ended(); ++i) {
      if (runtime.stats().parked != 0) {
        end.Report(Mode::kRead, {.error = true});
        AdvanceMicros(200'000);
      }
      for (int k = 0; k < 100; ++k) co_await runtime.Yield();
    }
    EXPECT_TRUE(reading.ended());
    end.CloseNow();
    EXPECT_EQ((co_await std::move(reading)).ToString(), "not-pollable");
  });
}

}  // namespace
}  // namespace netpoll
