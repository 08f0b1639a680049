// SPDX-License-Identifier: Apache-2.0
//
// Conformance: who opened a descriptor, who closes it and who polls need not be
// the same thread, and the one that opened it may be gone.

#ifndef NETPOLL_TESTS_CONFORMANCE_THREADS_H_
#define NETPOLL_TESTS_CONFORMANCE_THREADS_H_

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"

namespace netpoll::conformance {

template <class Backend>
class Threads : public Fixture<Backend> {
 protected:
  // Opens in a thread that has ended when this returns.
  void OpenElsewhere(int fd, EventKey key) {
    std::thread([&] { EXPECT_EQ(this->Open(fd, key), 0); }).join();
  }

  // Closes both registration and descriptor.
  void CloseOwn(Ends& ends, EventKey key) {
    EXPECT_EQ(this->backend_.Close(ends.own(), key), 0);
    ends.CloseOwn();
  }

  // Nobody polls. The peer does not block.
  static void ExpectTheEndIsSeen(const Ends& ends) {
    char byte;
    EXPECT_EQ(::read(ends.peer(), &byte, 1), 0);
  }

  // Polls until `key` was reported readable.
  void PollUntilReadable(EventKey key) {
    for (bool seen = false; !seen;) {
      Recorder recorder;
      this->backend_.Poll(Delta::Forever(), recorder);
      for (const Report& report : recorder.reports) {
        seen |= report.key == key && Has(report.mode, Mode::kRead);
      }
    }
  }
};
TYPED_TEST_SUITE_P(Threads);

// A thread that opens, and lives on asleep until this goes.
template <class Open>
class Opener {
 public:
  explicit Opener(Open open)
      : thread_([this, open] {
          open();
          state_ = kOpened;
          state_.notify_all();
          state_.wait(kOpened);
        }) {
    state_.wait(kBegun);
  }
  ~Opener() {
    state_ = kLetGo;
    state_.notify_all();
    thread_.join();
  }

 private:
  enum State { kBegun, kOpened, kLetGo };
  std::atomic<State> state_ = kBegun;
  std::thread thread_;
};

TYPED_TEST_P(Threads, AfterCloseThePeerSeesTheEndAtOnce) {
  for (std::uint32_t i = 0; i < 100; ++i) {
    Ends ends = Ends::Sockets();
    ASSERT_EQ(this->Open(ends.own(), this->Key(i)), 0);
    this->CloseOwn(ends, this->Key(i));
    this->ExpectTheEndIsSeen(ends);
  }
}

TYPED_TEST_P(Threads, SoItDoesWhenAnotherThreadHadOpened) {
  for (std::uint32_t i = 0; i < 100; ++i) {
    Ends ends = Ends::Sockets();
    const Opener opener([&, i] { this->Open(ends.own(), this->Key(i)); });
    this->CloseOwn(ends, this->Key(i));
    this->ExpectTheEndIsSeen(ends);
  }
}

TYPED_TEST_P(Threads, SoItDoesWhenTheThreadThatOpenedIsBusy) {
  std::atomic<bool> stop = false;
  std::atomic<int> open = -1;
  std::vector<Ends> all;
  for (int i = 0; i < 50; ++i) all.push_back(Ends::Sockets());
  std::thread busy([&] {
    for (std::uint32_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(this->Open(all[i].own(), this->Key(i)), 0);
      open = static_cast<int>(i);
      open.notify_one();
    }
    while (!stop) {
    }
  });
  for (int i = 0; i < static_cast<int>(all.size()); ++i) {
    for (int now; (now = open) < i;) open.wait(now);
    this->CloseOwn(all[i], this->Key(static_cast<std::uint32_t>(i)));
    this->ExpectTheEndIsSeen(all[i]);
  }
  stop = true;
  busy.join();
}

TYPED_TEST_P(Threads, SoItDoesWhenTheThreadThatOpenedIsGone) {
  for (std::uint32_t i = 0; i < 100; ++i) {
    Ends ends = Ends::Sockets();
    this->OpenElsewhere(ends.own(), this->Key(i));
    this->CloseOwn(ends, this->Key(i));
    this->ExpectTheEndIsSeen(ends);
  }
}

TYPED_TEST_P(Threads, WhatAThreadThatIsGoneOpenedIsStillWatched) {
  for (std::uint32_t i = 0; i < 50; ++i) {
    Ends ends = Ends::Sockets();
    this->OpenElsewhere(ends.own(), this->Key(i));
    if (i % 2 == 0) this->TakeAll();
    std::thread sender([&] { ends.Send(); });
    this->PollUntilReadable(this->Key(i));
    sender.join();
    this->CloseOwn(ends, this->Key(i));
  }
}

TYPED_TEST_P(Threads, SoItIsWhenWhoPolledIsGoneToo) {
  Ends ends = Ends::Sockets();
  this->OpenElsewhere(ends.own(), this->Key(1));
  for (int i = 0; i < 20; ++i) {
    char byte;
    std::thread([this] { this->TakeAll(); }).join();
    ends.Send();
    this->PollUntilReadable(this->Key(1));
    EXPECT_EQ(::read(ends.own(), &byte, 1), 1);
    this->Arm(ends.own(), this->Key(1), Mode::kRead);
  }
}

TYPED_TEST_P(Threads, ABusyThreadKeepsNoEventBack) {
  std::atomic<bool> stop = false;
  std::atomic<bool> open = false;
  Ends ends = Ends::Sockets();
  std::thread busy([&] {
    EXPECT_EQ(this->Open(ends.own(), this->Key(1)), 0);
    open = true;
    open.notify_one();
    while (!stop) {
    }
  });
  open.wait(false);
  for (int i = 0; i < 20; ++i) {
    char byte;
    ends.Send();
    this->PollUntilReadable(this->Key(1));
    EXPECT_EQ(::read(ends.own(), &byte, 1), 1);
    this->Arm(ends.own(), this->Key(1), Mode::kRead);
  }
  stop = true;
  busy.join();
}

TYPED_TEST_P(Threads, ACloseTakesNoEventOfAnother) {
  Ends kept = Ends::Sockets();
  Ends closed = Ends::Sockets();
  ASSERT_EQ(this->Open(kept.own(), this->Key(1)), 0);
  ASSERT_EQ(this->Open(closed.own(), this->Key(2)), 0);
  this->TakeAll();
  kept.Send();
  closed.Send();
  this->CloseOwn(closed, this->Key(2));
  const auto seen = this->TakeAll();
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_TRUE(this->TakeAll().empty());
  EXPECT_EQ(seen.count(this->Key(1).bits()), 1u);
}

TYPED_TEST_P(Threads, NeitherDoesItFromABlockingPoll) {
  Ends kept = Ends::Sockets();
  ASSERT_EQ(this->Open(kept.own(), this->Key(1)), 0);
  std::atomic<bool> stop = false;
  std::thread closer([&] {
    for (std::uint32_t i = 10; !stop; ++i) {
      Ends closed = Ends::Sockets();
      EXPECT_EQ(this->Open(closed.own(), this->Key(i)), 0);
      this->CloseOwn(closed, this->Key(i));
    }
  });
  std::atomic<int> sent = 0;
  std::atomic<int> taken = 0;
  std::thread sender([&] {
    for (; sent < 300; ++sent) {
      taken.wait(sent - 1);
      kept.Send();
    }
  });
  for (int i = 0; i < 300; ++i) {
    char byte;
    this->PollUntilReadable(this->Key(1));
    // A report may be of an earlier edge.
    while (::read(kept.own(), &byte, 1) != 1) {
      this->Arm(kept.own(), this->Key(1), Mode::kRead);
      this->PollUntilReadable(this->Key(1));
    }
    this->Arm(kept.own(), this->Key(1), Mode::kRead);
    ++taken;
    taken.notify_all();
  }
  sender.join();
  stop = true;
  closer.join();
}

// Everybody at once. Whoever polls never sees a key that nobody opened.
TYPED_TEST_P(Threads, AllOfThemTogether) {
  constexpr std::uint32_t kThreads = 3;
  std::atomic<bool> stop = false;
  const auto poll = [&](Delta delta) {
    Recorder recorder;
    this->backend_.Poll(delta, recorder);
    for (const Report& report : recorder.reports) {
      EXPECT_TRUE(report.key.valid_slot());
      EXPECT_GE(report.key.index(), EventKey::kMaxIndex - 2000);
    }
  };
  std::thread blocking([&] {
    while (!stop) poll(Delta::Forever());
  });
  std::thread beside([&] {
    while (!stop) poll(Delta::NonBlocking());
  });
  std::vector<std::thread> users;
  for (std::uint32_t t = 0; t < kThreads; ++t) {
    users.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < 300; ++i) {
        const EventKey key = this->Key(i * kThreads + t);
        Ends ends = Ends::Sockets();
        EXPECT_EQ(this->Open(ends.own(), key), 0);
        ends.Send();
        if (i % 3 == 0) this->backend_.Break();
        this->CloseOwn(ends, key);
        // One byte was not read, so the end is a reset.
        char byte;
        EXPECT_NE(::read(ends.peer(), &byte, 1), 1);
      }
    });
  }
  for (std::thread& user : users) user.join();
  stop = true;
  this->backend_.Break();
  blocking.join();
  beside.join();
  EXPECT_TRUE(this->TakeAll().empty());
}

REGISTER_TYPED_TEST_SUITE_P(Threads, AfterCloseThePeerSeesTheEndAtOnce,
                            SoItDoesWhenAnotherThreadHadOpened,
                            SoItDoesWhenTheThreadThatOpenedIsBusy,
                            SoItDoesWhenTheThreadThatOpenedIsGone,
                            WhatAThreadThatIsGoneOpenedIsStillWatched,
                            SoItIsWhenWhoPolledIsGoneToo,
                            ABusyThreadKeepsNoEventBack,
                            ACloseTakesNoEventOfAnother,
                            NeitherDoesItFromABlockingPoll, AllOfThemTogether);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_THREADS_H_
