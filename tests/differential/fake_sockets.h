// SPDX-License-Identifier: Apache-2.0
//
// Sockets over the fake kernel, for scenario::Runner: SocketModel's bytes, and
// edges that the kernel turns into events as its trigger says. Where operations
// end (completion), a call that would block begins one.

#ifndef NETPOLL_TESTS_DIFFERENTIAL_FAKE_SOCKETS_H_
#define NETPOLL_TESTS_DIFFERENTIAL_FAKE_SOCKETS_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "netpoll/backends/fake/fake_backend.h"
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/backends/fake/fake_kernel.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/differential/socket_model.h"
#include "netpoll/tools/cli/scenario/socket_pair.h"

namespace netpoll::differential {

// One kernel and its sockets. The runner's sockets are static, so the machine
// that they live on is the current one of this thread.
class FakeMachine {
 public:
  static constexpr int kPeers = 1'000'000;  // The peer of fd is fd + kPeers.

  FakeMachine(FakeTrigger trigger, std::uint64_t seed)
      : kernel(seed), trigger_(trigger) {
    kernel.set_auto_advance(true);
    current() = this;
  }
  FakeMachine(const FakeMachine&) = delete;
  FakeMachine& operator=(const FakeMachine&) = delete;
  ~FakeMachine() { current() = nullptr; }

  static FakeMachine*& current() {
    thread_local FakeMachine* machine = nullptr;
    return machine;
  }

  int Make() {
    const int fd = kernel.MakeFd();
    sockets_[fd] = SocketModel{};
    Report(fd);
    return fd;
  }
  void Close(int fd) {
    kernel.CloseFd(fd);
    sockets_.erase(fd);
  }
  SocketModel& socket(int fd) { return sockets_.at(fd % kPeers); }

  // Calls `f` on the sockets of `fd`, and tells the kernel what has changed.
  template <class F>
  auto Do(int fd, F f) {
    const auto result = f(socket(fd));
    Report(fd % kPeers);
    return result;
  }

  void WouldBlock(int fd, Mode direction) {
    if (trigger_ == FakeTrigger::kCompletion) kernel.Submit(fd, direction);
  }

  FakeKernel<> kernel;

 private:
  void Report(int fd) {
    SocketModel& socket = sockets_.at(fd);
    if (!socket.CanRead()) kernel.ClearReady(fd, Mode::kRead);
    if (!socket.CanWrite()) kernel.ClearReady(fd, Mode::kWrite);
    const unsigned edges = socket.TakeEdges();
    if (edges == 0) return;
    kernel.SetReady(fd, static_cast<Mode>(edges),
                    {.no_more_edges = socket.peer_ended()});
  }

  FakeTrigger trigger_;
  std::map<int, SocketModel> sockets_;
};

struct FakeSockets {
  using CallResult = scenario::CallResult;

  class Pair {
   public:
    Pair() = default;
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    ~Pair() {
      if (polled_ >= 0) FakeMachine::current()->Close(polled_);
    }

    int Make() {
      polled_ = FakeMachine::current()->Make();
      peer_ = polled_ + FakeMachine::kPeers;
      return 0;
    }
    void ShutDownPeer() {
      FakeMachine::current()->Do(peer_, [](SocketModel& socket) {
        socket.ShutDownPeer();
        return 0;
      });
    }
    void ClosePeer() {
      const int peer = std::exchange(peer_, -1);
      FakeMachine::current()->Do(peer, [](SocketModel& socket) {
        socket.ClosePeer();
        return 0;
      });
    }

    int polled() const { return polled_; }
    int peer() const { return peer_; }

   private:
    int polled_ = -1;
    int peer_ = -1;
  };

  static CallResult Read(int fd, std::size_t size) {
    if (fd < 0) return -EBADF;
    const bool peer = fd >= FakeMachine::kPeers;
    const CallResult result =
        FakeMachine::current()->Do(fd, [=](SocketModel& socket) {
          const auto bytes = static_cast<std::int64_t>(size);
          return peer ? socket.PeerRead(bytes) : socket.Read(bytes);
        });
    return Noted(fd, Mode::kRead, result);
  }
  static CallResult Write(int fd, std::size_t size) {
    if (fd < 0) return -EBADF;
    const bool peer = fd >= FakeMachine::kPeers;
    const CallResult result =
        FakeMachine::current()->Do(fd, [=](SocketModel& socket) {
          const auto bytes = static_cast<std::int64_t>(size);
          return peer ? socket.PeerWrite(bytes) : socket.Write(bytes);
        });
    return Noted(fd, Mode::kWrite, result);
  }
  static CallResult ReadAll(int fd) {
    CallResult result = 0;
    do {
      result = Read(fd, kChunk);
    } while (result > 0);
    return result;
  }
  static CallResult WriteAll(int fd) {
    CallResult result = 0;
    do {
      result = Write(fd, kChunk);
    } while (result > 0);
    return result;
  }
  static std::int64_t Now() { return FakeMachine::current()->kernel.now(); }

 private:
  static constexpr std::size_t kChunk = 65536;

  static CallResult Noted(int fd, Mode direction, CallResult result) {
    if (result == -EAGAIN && fd < FakeMachine::kPeers) {
      FakeMachine::current()->WouldBlock(fd, direction);
    }
    return result;
  }
};

// The fake backend of the current machine. A poll that does not block goes on
// until the kernel has nothing left: whatever the adversary delays, after it
// the poller is quiescent.
template <FakeTrigger kTrigger>
class MachineBackend : public FakeBackend<StdEnv, kTrigger> {
 public:
  using Base = FakeBackend<StdEnv, kTrigger>;

  MachineBackend() : Base(FakeMachine::current()->kernel) {}

  // A wait takes time even if it ends early: an adversary that ends every one
  // must not stop the clock.
  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    constexpr std::int64_t kLeast = 10'000;
    auto& kernel = FakeMachine::current()->kernel;
    const std::int64_t begin = kernel.now();
    do {
      Base::Poll(delta, sink);
    } while (!delta.blocking() && !kernel.quiet());
    const bool limited = delta.limited();
    if (limited && kernel.now() == begin) kernel.Advance(kLeast);
  }
};

}  // namespace netpoll::differential

#endif  // NETPOLL_TESTS_DIFFERENTIAL_FAKE_SOCKETS_H_
