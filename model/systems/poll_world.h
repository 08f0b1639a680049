// SPDX-License-Identifier: Apache-2.0
//
// The poll backend as it ships, over a system of files with levels: one thread
// in a blocking poll, tasks that open, arm, wait, read and close, their peers,
// threads that break, and polls that don't block beside it.
//
// What the system may do is what poll(2) and pipe(7) allow: a call answers with
// what is true when it returns, holds what it was asked about until then, and
// may be interrupted.

#ifndef NETPOLL_MODEL_SYSTEMS_POLL_WORLD_H_
#define NETPOLL_MODEL_SYSTEMS_POLL_WORLD_H_

#include <poll.h>
#include <time.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netpoll/backends/poll/poll_backend.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/model_env.h"
#include "netpoll/model/systems/backend_world.h"

namespace netpoll::model {

// Two files, the wake-up pipe, and the calls of poll(2) that are under way.
struct PollSystem : BackendFiles {
  static constexpr int kPipe = 100;  // And the next one: its writing end.
  static constexpr int kRoom = 3;
  static constexpr bool kExact = true;

  std::uint8_t bytes = 0;  // In the pipe.
  std::uint8_t fresh = 0;  // ... written, and no call was ended for them.
  std::uint8_t calls = 0;  // Under way.
  std::uint8_t held = 0;   // Files that such a call holds: bits.
  std::uint8_t signals = 0;

  std::string Text() const {
    return BackendFiles::Text() + " pipe " + std::to_string(bytes) +
           (calls != 0 ? ", in poll(2)" : "");
  }
  friend bool operator==(const PollSystem&, const PollSystem&) = default;
};

// A question or an answer: bit 0 the pipe, then three bits for each file:
// to read, to write, hung up.
struct PollMask {
  static constexpr int kPipe = 1;
  static int OfFile(int file, short events) {
    const int bits = ((events & POLLIN) != 0 ? 1 : 0) |
                     ((events & POLLOUT) != 0 ? 2 : 0) |
                     ((events & POLLHUP) != 0 ? 4 : 0);
    return bits << (1 + 3 * file);
  }
  static short ToFile(int mask, int file) {
    const int bits = mask >> (1 + 3 * file);
    return static_cast<short>(((bits & 1) != 0 ? POLLIN : 0) |
                              ((bits & 2) != 0 ? POLLOUT : 0) |
                              ((bits & 4) != 0 ? POLLHUP : 0));
  }
};

namespace poll_system {

using Step = std::optional<int>;

inline int Answers(const PollSystem& system, std::int64_t asked) {
  int answers =
      system.bytes != 0 ? static_cast<int>(asked) & PollMask::kPipe : 0;
  for (int file = 0; file < BackendFiles::kFiles; ++file) {
    const short events = PollMask::ToFile(static_cast<int>(asked), file);
    if (events == 0) continue;
    const BackendFile& now = system.files[file];
    if (now.unread != 0) answers |= PollMask::OfFile(file, events & POLLIN);
    if (now.room != 0) answers |= PollMask::OfFile(file, events & POLLOUT);
    if (now.hung_up) answers |= PollMask::OfFile(file, POLLHUP);
  }
  return answers;
}

enum Entered { kEntered, kTwoCalls, kNobodyWaits };

inline Step Enter(PollSystem& system, std::int64_t asked) {
  if (system.calls != 0) return kTwoCalls;
  for (int file = 0; file < BackendFiles::kFiles; ++file) {
    if (PollMask::ToFile(static_cast<int>(asked), file) == 0) continue;
    const BackendFile& now = system.files[file];
    if (now.waits == 0 && !now.leaves) return kNobodyWaits;
    system.held |= static_cast<std::uint8_t>(1 << file);
  }
  system.calls = 1;
  return kEntered;
}

// A call that wakes for the pipe was due to bytes that woke no other.
constexpr int kForNothing = 1 << 14;

inline int Return(PollSystem& system, int answers) {
  system.calls = 0;
  system.held = 0;
  if ((answers & PollMask::kPipe) == 0) return answers;
  if (system.fresh == 0) return kForNothing;
  system.fresh = 0;
  return answers;
}
inline Step ReturnNow(PollSystem& system, std::int64_t asked) {
  return Return(system, Answers(system, asked));
}
inline Step ReturnLater(PollSystem& system, std::int64_t asked) {
  const int answers = Answers(system, asked);
  if (answers == 0) return std::nullopt;
  return Return(system, answers);
}
// Whether there is a signal.
inline Step Interrupt(PollSystem& system, std::int64_t) {
  if (system.signals == 0) return 0;
  --system.signals;
  Return(system, 0);
  return 1;
}

constexpr int kAgain = 99;
inline Step Write(PollSystem& system, std::int64_t) {
  if (system.bytes == PollSystem::kRoom) return kAgain;
  ++system.bytes;
  ++system.fresh;
  return 1;
}
inline Step Read(PollSystem& system, std::int64_t size) {
  if (system.bytes == 0) return kAgain;
  const int count = std::min<int>(system.bytes, static_cast<int>(size));
  system.bytes = static_cast<std::uint8_t>(system.bytes - count);
  return count;
}
inline Step Holds(PollSystem& system, std::int64_t file) {
  return (system.held >> file & 1) != 0 ? 1 : 0;
}

}  // namespace poll_system

// The calls of the backend, as steps of the world's system.
struct ModelPollSys {
  static constexpr std::size_t kMostAsked = 8;
  static inline thread_local ObjectOf<PollSystem>* system = nullptr;
  static inline thread_local Thread* thread = nullptr;
  static inline thread_local bool signals = false;

  static int Pipe(int* ends) {
    ends[0] = PollSystem::kPipe;
    ends[1] = PollSystem::kPipe + 1;
    return 0;
  }
  static int Poll(pollfd* fds, std::size_t count, int millis) {
    int asked = 0;
    for (std::size_t i = 0; i < count; ++i) asked |= MaskOf(fds[i]);
    switch (Thread::Call("poll2.enter", *system, poll_system::Enter, asked)) {
      case poll_system::kTwoCalls:
        thread->Fail("D8: two calls of poll(2) are under way");
      case poll_system::kNobodyWaits:
        thread->Fail("K5: a call asks about a file that nobody waits for");
      default:
        break;
    }
    if (signals && Thread::Choose("poll2.signal", 2) == 1 &&
        Thread::Call("poll2.interrupted", *system, poll_system::Interrupt) !=
            0) {
      return -EINTR;
    }
    const int answers =
        millis == 0
            ? Thread::Call("poll2.look", *system, poll_system::ReturnNow, asked)
            : Thread::Await("poll2.sleep", *system, poll_system::ReturnLater,
                            asked);
    if (answers == poll_system::kForNothing) {
      thread->Fail("K5: a poll ended for bytes that had ended another");
    }
    int answered = 0;
    for (std::size_t i = 0; i < count; ++i) {
      fds[i].revents = AnswerFor(fds[i], answers);
      if (fds[i].revents != 0) ++answered;
    }
    return answered;
  }
  static int Ppoll(pollfd*, std::size_t, const timespec*) { return -ENOSYS; }
  static int Read(int, void*, std::size_t size) {
    return Count(Thread::Call("pipe2.read", *system, poll_system::Read,
                              static_cast<std::int64_t>(size)));
  }
  static int Write(int, const void*, std::size_t) {
    return Count(Thread::Call("pipe2.write", *system, poll_system::Write));
  }
  static void Close(int) {}

 private:
  static int Count(int result) {
    return result == poll_system::kAgain ? -EAGAIN : result;
  }
  static int MaskOf(const pollfd& asked) {
    if (asked.fd == PollSystem::kPipe) return PollMask::kPipe;
    return PollMask::OfFile(asked.fd - BackendFiles::kFirst, asked.events);
  }
  static short AnswerFor(const pollfd& asked, int answers) {
    if (asked.fd == PollSystem::kPipe) {
      return (answers & PollMask::kPipe) != 0 ? POLLIN : 0;
    }
    return PollMask::ToFile(answers, asked.fd - BackendFiles::kFirst);
  }
};

struct PollCast : BackendCast {
  int signals = 0;  // That interrupt a call.
};

class PollWorld
    : public BackendWorld<PollBackend<ModelEnv<2>, ModelPollSys>, PollSystem> {
 public:
  explicit PollWorld(const PollCast& cast)
      : BackendWorld(cast, "poll2.sleep", SystemOf(cast)),
        signals_(cast.signals != 0) {
    AddThreads();
    Settle();
  }

 private:
  static PollSystem SystemOf(const PollCast& cast) {
    PollSystem system;
    system.signals = static_cast<std::uint8_t>(cast.signals);
    return system;
  }
  void Enter(Thread* thread, int) override {
    ModelPollSys::system = &system_;
    ModelPollSys::thread = thread;
    ModelPollSys::signals = signals_;
  }
  void AfterClose(Thread& thread, int file) override {
    if (Thread::Call("system.holds", system_, poll_system::Holds, file) != 0) {
      thread.Fail("S4: Close returned while a call holds its file");
    }
  }

  const bool signals_;
};

inline void AddPollScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, PollCast cast) {
    all.push_back(
        {.name = name,
         .about = about,
         .make = [cast] { return std::unique_ptr<World>(new PollWorld(cast)); },
         .interleaved = true});
  };
  add("poll-read", "poll(2): a task waits for one level", {{.edges = 1}});
  add("poll-reopen", "... and its file is closed under the poll, and reused",
      {{.lives = 2, .edges = 1}});
  add("poll-hang-up", "... its peer hangs up, which nothing has to ask for",
      {{.rounds = 2, .edges = 0, .hang_ups = 1}});
  add("poll-both", "... both directions wait; one report must not silence both",
      {{.both = true, .edges = 1, .rooms = 1}});
  add("poll-two-files", "... two tasks arm under one call",
      {{.owners = 2, .edges = 1}});
  add("poll-break", "... breaks beside the kicks of a task",
      {{.edges = 1, .breakers = 1, .breaks = 2}});
  add("poll-breakers", "... two breakers",
      {{.owners = 0, .edges = 0, .breakers = 2}});
  add("poll-look", "... a poll that does not block has the turn meanwhile",
      {{.edges = 1, .breakers = 1, .lookers = 1}});
  add("poll-look-again", "... and again, before who queues has woken up",
      {{.edges = 1, .lookers = 1, .looks = 2}});
  add("poll-signal", "... a signal interrupts the call",
      {{.edges = 1, .breakers = 1}, 1});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SYSTEMS_POLL_WORLD_H_
