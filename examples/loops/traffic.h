// SPDX-License-Identifier: Apache-2.0
//
// What every loop beside it is tested with: traffic, deadlines, breaks and work
// from other threads. Each of these waits for its answer before it goes on, so
// one wake that is lost stops the test. For three seconds, or as many as
// NETPOLL_TRAFFIC_SECONDS says.

#ifndef NETPOLL_EXAMPLES_LOOPS_TRAFFIC_H_
#define NETPOLL_EXAMPLES_LOOPS_TRAFFIC_H_

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/testing/watchdog.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wait.h"
#include "netpoll/examples/loops/job.h"

namespace netpoll::examples {

// Reads a descriptor to its end, and hands each piece to `got`; a deadline that
// passes is handed to `late`, and the reading goes on.
template <class Loop, class Poller>
class Reader final : public Job {
 public:
  Reader(Loop& loop, Poller& poller, int fd)
      : loop_(loop), poller_(poller), fd_(fd), desc_(poller.Open(fd).desc) {}

  std::function<void(char*, std::size_t)> got = [](char*, std::size_t) {};
  std::function<void()> late = [] {};
  std::atomic<bool> ended = false;

  typename Poller::Desc* desc() { return desc_; }

  void Resume() override {
    WaitResult wait =
        waits_ ? poller_.Resume(desc_, Mode::kRead, this)
               : WaitResult::Ended(poller_.Reset(desc_, Mode::kRead));
    while (!wait.parked()) {
      waits_ = false;
      if (wait.error() == PollError::kTimeout) {
        // No more deadline, before the next Reset.
        loop_.Deliver(
            poller_.SetDeadline(desc_, Mode::kRead, Deadline::None()));
        late();
      } else if (!wait.ready()) {
        break;
      } else {
        char piece[256];
        const ssize_t size = ::read(fd_, piece, sizeof(piece));
        if (size == 0) break;
        if (size < 0) {
          waits_ = true;  // Before it may be parked: afterwards hands off.
          wait = poller_.Park(desc_, Mode::kRead, this);
          continue;
        }
        got(piece, static_cast<std::size_t>(size));
      }
      wait = WaitResult::Ended(poller_.Reset(desc_, Mode::kRead));
    }
    if (!wait.parked()) ended = true;
  }

 private:
  Loop& loop_;
  Poller& poller_;
  const int fd_;
  typename Poller::Desc* desc_;
  bool waits_ = false;
};

struct Pair {
  Pair() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  }
  Pair(const Pair&) = delete;
  ~Pair() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  int ends[2];
};

// A backend that counts the polls which reported something, and the breaks.
template <class Backend>
class Counting : public Backend {
 public:
  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    struct {
      void Ready(EventKey key, Mode mode, EventFlags flags) {
        any = true;
        sink.Ready(key, mode, flags);
      }
      Sink& sink;
      bool any = false;
    } counting{sink};
    Backend::Poll(delta, counting);
    if (counting.any) ++told_;
  }
  void Break() {
    ++broken_;
    Backend::Break();
  }
  int told() const { return told_; }
  int broken() const { return broken_; }

 private:
  std::atomic<int> told_ = 0;
  std::atomic<int> broken_ = 0;
};

inline std::chrono::seconds TrafficTime() {
  const char* const asked = std::getenv("NETPOLL_TRAFFIC_SECONDS");
  return std::chrono::seconds(asked != nullptr ? std::atoi(asked) : 3);
}

template <class Backend, template <class> class LoopOf>
void TestTraffic() {
  using Poller = netpoll::Poller<Counting<Backend>>;
  using Loop = LoopOf<Poller>;
  using ReaderOf = Reader<Loop, Poller>;
  Poller poller;
  if (const int error = poller.Init(); error != 0) {
    GTEST_SKIP() << "errno " << error;
  }
  Loop loop(poller);
  std::atomic<int> sent = 0, deadlines = 0, works = 0, breaks = 0;
  const Watchdog watchdog([&] {
    return std::to_string(sent) + " sent, " + std::to_string(deadlines) +
           " deadlines, " + std::to_string(works) + " works, " +
           std::to_string(breaks) + " breaks";
  });
  Pair echoed;
  Pair silent;
  ReaderOf echo(loop, poller, echoed.ends[0]);
  ReaderOf sleeper(loop, poller, silent.ends[0]);
  echo.got = [&](char* piece, std::size_t size) {
    EXPECT_EQ(::write(echoed.ends[0], piece, size), static_cast<ssize_t>(size));
  };
  std::atomic<int> late = 0;
  sleeper.late = [&] { ++late; };
  loop.Post(&echo);
  loop.Post(&sleeper);
  std::thread runner([&] { loop.Run(); });

  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  // Traffic: a byte, and its echo.
  threads.emplace_back([&] {
    for (char byte = 'a'; !over; ++sent) {
      EXPECT_EQ(::write(echoed.ends[1], &byte, 1), 1);
      pollfd back{.fd = echoed.ends[1], .events = POLLIN, .revents = 0};
      while (::poll(&back, 1, -1) != 1) {
      }
      EXPECT_EQ(::read(echoed.ends[1], &byte, 1), 1);
    }
  });
  // Deadlines: one that comes forward, and its passing.
  threads.emplace_back([&] {
    while (!over) {
      const auto soon =
          Deadline::After(MonotonicNow(), std::chrono::microseconds(300));
      ++deadlines;
      loop.Deliver(poller.SetDeadline(sleeper.desc(), Mode::kRead, soon));
      while (late != deadlines) std::this_thread::yield();
    }
  });
  // Work: a job, and its having run.
  threads.emplace_back([&] {
    struct Work final : Job {
      std::atomic<bool> done = false;
      void Resume() override { done = true; }
    };
    while (!over) {
      Work work;
      ++works;
      loop.Post(&work);
      while (!work.done) std::this_thread::yield();
    }
  });
  // Breaks, which have nothing to say.
  threads.emplace_back([&] {
    while (!over) {
      ++breaks;
      poller.Break();
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  });
  std::this_thread::sleep_for(TrafficTime());
  over = true;
  for (std::thread& thread : threads) thread.join();
  // Each wake has its cause: a report; a deadline that passed; or nothing, and
  // of those there are no more than breaks.
  const int told = poller.backend().told();
  const int broken = poller.backend().broken();
  EXPECT_LE(loop.wakes() - told - late, broken);
  EXPECT_LE(broken, breaks + works + deadlines);
  EXPECT_GT(sent, 0);
  EXPECT_GT(deadlines, 0);

  // Idle: nothing wakes it but the one break.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const int before = loop.wakes();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(loop.wakes(), before);
  poller.Break();
  while (loop.wakes() == before) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(loop.wakes(), before + 1);

  // The order of a close: unblock, and close when its job has ended.
  for (ReaderOf* const reader : {&echo, &sleeper}) {
    loop.Deliver(poller.Unblock(reader->desc()));
    while (!reader->ended) std::this_thread::yield();
    EXPECT_EQ(poller.Close(reader->desc()), 0);
  }
  loop.Stop();
  runner.join();
  std::printf(
      "%d echoes, %d deadlines, %d works, %d breaks: %d wakes, %d reports, %d "
      "breaks sent\n",
      sent.load(), deadlines.load(), works.load(), breaks.load(), loop.wakes(),
      told, broken);
}

}  // namespace netpoll::examples

#endif  // NETPOLL_EXAMPLES_LOOPS_TRAFFIC_H_
