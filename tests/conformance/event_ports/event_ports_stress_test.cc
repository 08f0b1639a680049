// SPDX-License-Identifier: Apache-2.0
//
// Event ports with real threads: a blocking poll, others beside it, breaks, and
// descriptors that both sides arm. Nothing that was sent is left unread. If
// readiness were lost, the test would not end.
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/event_ports/event_ports_backend.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"

namespace netpoll::conformance {
namespace {

constexpr std::size_t kConns = 4;
constexpr int kBytes = 500;  // By each side of each connection.

class EventPortsStress : public ::testing::Test {
 protected:
  static EventKey Key(std::size_t i) {
    return EventKey::ForSlot(static_cast<std::uint32_t>(i), 7);
  }

  void SetUp() override {
    ASSERT_EQ(backend_.Init(), 0);
    for (std::size_t i = 0; i < kConns; ++i) {
      ends_.push_back(Ends::Sockets());
      ASSERT_EQ(backend_.Open(ends_[i].own(), Key(i)), 0);
      Arm(i, Mode::kRead);
      Arm(i, Mode::kWrite);
    }
  }

  void Arm(std::size_t i, Mode mode) {
    backend_.Arm(ends_[i].own(), Key(i), mode);
  }

  // Reads all and writes one byte, as its task would, then waits again.
  struct Tasks {
    EventPortsStress& test;
    void Ready(EventKey key, Mode mode, EventFlags) {
      const std::size_t i = key.index();
      if (Has(mode, Mode::kRead)) test.Read(i);
      if (Has(mode, Mode::kWrite)) test.Write(i);
    }
  };

  void Read(std::size_t i) {
    char byte;
    while (::read(ends_[i].own(), &byte, 1) == 1) ++received_;
    Arm(i, Mode::kRead);
  }
  void Write(std::size_t i) {
    if (written_[i] >= kBytes) return;
    if (::write(ends_[i].own(), "y", 1) == 1) ++written_[i];
    Arm(i, Mode::kWrite);
  }

  // Sends to all, and reads what comes, until each side of each has had all.
  void PlayThePeers() {
    std::array<int, kConns> sent{};
    const auto done = [&] {
      for (std::size_t i = 0; i < kConns; ++i) {
        if (sent[i] < kBytes || written_[i] < kBytes) return false;
      }
      return received_ == static_cast<int>(kConns) * kBytes;
    };
    while (!done()) {
      for (std::size_t i = 0; i < kConns; ++i) {
        if (sent[i] < kBytes && ::write(ends_[i].peer(), "x", 1) == 1) {
          ++sent[i];
        }
        ends_[i].DrainPeer();
      }
    }
  }

  void PollUntilTheEnd(Delta delta) {
    Tasks tasks{*this};
    while (!ended_) backend_.Poll(delta, tasks);
  }

  EventPortsBackend<> backend_;
  std::vector<Ends> ends_;
  std::atomic<int> received_ = 0;
  std::array<std::atomic<int>, kConns> written_{};
  std::atomic<bool> ended_ = false;
};

TEST_F(EventPortsStress, NothingIsLostUnderBreaksAndPollsBeside) {
  std::vector<std::thread> threads;
  threads.emplace_back([this] { PollUntilTheEnd(Delta::Forever()); });
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([this] { PollUntilTheEnd(Delta::NonBlocking()); });
  }
  threads.emplace_back([this] {
    while (!ended_) {
      backend_.Break();
      std::this_thread::yield();
    }
  });
  PlayThePeers();
  ended_ = true;
  backend_.Break();
  for (std::thread& thread : threads) thread.join();
}

// No blocking poll takes the break.
TEST_F(EventPortsStress, NonBlockingPollsGoOnUnderABreakThatNobodyTakes) {
  backend_.Break();
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([this] { PollUntilTheEnd(Delta::NonBlocking()); });
  }
  PlayThePeers();
  ended_ = true;
  for (std::thread& thread : threads) thread.join();
  Tasks tasks{*this};
  backend_.Poll(Delta::Forever(), tasks);
}

}  // namespace
}  // namespace netpoll::conformance
