// SPDX-License-Identifier: Apache-2.0
//
// The io_uring backend as it ships, over a ring that does what uring_system.h
// says: who opens, closes, breaks and polls, and the kernel, which tells of
// what came in the name of the thread that armed.

#ifndef NETPOLL_MODEL_SYSTEMS_URING_WORLD_H_
#define NETPOLL_MODEL_SYSTEMS_URING_WORLD_H_

#include <linux/io_uring.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/model_env.h"
#include "netpoll/model/systems/backend_world.h"
#include "netpoll/model/systems/uring_system.h"

namespace netpoll::model {

// What the backend maps. Who reads the tail of completions is told of all that
// are in the queue; they are put where the backend looks for them.
class UringMemory : public SharedMemory {
 public:
  struct Words {
    std::uint32_t request_tail = 0;
    std::uint32_t request_flags = 0;
    std::uint32_t completion_head = 0;
    std::uint32_t completion_tail = 0;
    std::uint32_t order[1] = {};
    io_uring_cqe completions[UringSystem::kMostRoom] = {};
  };
  Words words;
  io_uring_sqe request{};

  explicit UringMemory(ObjectOf<UringSystem>& system) : system_(system) {}

  std::uint64_t Load(const void* word, const char* site) override {
    if (word == &words.request_flags) {
      return Thread::Call(site, system_, uring_system::Overflown) != 0
                 ? IORING_SQ_CQ_OVERFLOW
                 : 0;
    }
    const Seen& seen =
        Known()[static_cast<std::size_t>(Thread::Call(site, system_, See))];
    for (std::size_t i = 0; i < seen.queue.size(); ++i) {
      const UringCompletion& one = seen.queue[i];
      io_uring_cqe& to = words.completions[(seen.head + i) & seen.mask];
      to.user_data = ShortKey::Bits(one.key);
      to.res = one.result;
      to.flags = one.more ? IORING_CQE_F_MORE : 0;
    }
    return seen.head + seen.queue.size();
  }
  void Store(void* word, std::uint64_t value, const char* site) override {
    if (word != &words.completion_head) {
      words.request_tail = static_cast<std::uint32_t>(value);
    } else if (Thread::Call(site, system_, uring_system::StoreHead,
                            static_cast<std::int64_t>(value)) != 0) {
      StopProgram("Q2: a completion was taken that is not the oldest");
    }
  }

 private:
  // What one look shows. Each is known by a number, which a step can answer.
  struct Seen {
    std::uint32_t head = 0;
    std::uint32_t mask = 0;
    std::vector<UringCompletion> queue;
    friend bool operator==(const Seen&, const Seen&) = default;
  };
  static std::vector<Seen>& Known() {
    static thread_local std::vector<Seen> known;
    return known;
  }
  static std::optional<int> See(UringSystem& system, std::int64_t) {
    const Seen seen{system.head, system.room - std::uint32_t{1}, system.queue};
    auto& known = Known();
    const auto found = std::find(known.begin(), known.end(), seen);
    const auto number = found - known.begin();
    if (found == known.end()) known.push_back(seen);
    return static_cast<int>(number);
  }

  ObjectOf<UringSystem>& system_;
};

// The calls of the backend, as steps of the world's system.
struct ModelUringSys {
  static constexpr int kRing = 100;
  static inline thread_local ObjectOf<UringSystem>* system = nullptr;
  static inline thread_local UringMemory* memory = nullptr;
  static inline thread_local std::uint8_t thread = 0;
  static inline thread_local bool orphans = false;
  static inline thread_local unsigned room = 0;  // For completions.

  static int Setup(unsigned, io_uring_params* params) {
    using Words = UringMemory::Words;
    params->features = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP |
                       IORING_FEAT_EXT_ARG | IORING_FEAT_RSRC_TAGS |
                       IORING_FEAT_CQE_SKIP;
    params->sq_entries = 1;
    params->cq_entries = room;
    params->sq_off.tail = offsetof(Words, request_tail);
    params->sq_off.flags = offsetof(Words, request_flags);
    params->sq_off.array = offsetof(Words, order);
    params->cq_off.head = offsetof(Words, completion_head);
    params->cq_off.tail = offsetof(Words, completion_tail);
    params->cq_off.cqes = offsetof(Words, completions);
    return kRing;
  }
  static int Map(int, std::uint64_t offset, std::size_t, void** at) {
    *at = offset == IORING_OFF_SQES ? static_cast<void*>(&memory->request)
                                    : &memory->words;
    return 0;
  }
  static void Unmap(void*, std::size_t) {}
  static void Close(int) {}
  static void Pause(std::int64_t) {
    netpoll::model::Thread::Call("uring.pause", *system, uring_system::Pause);
  }
  // Whoever goes on with the task of a thread that has ended is another one.
  static std::uint64_t Thread() {
    if (!orphans) return thread;
    return static_cast<std::uint64_t>(netpoll::model::Thread::Call(
        "thread.self", *system, uring_system::Self, thread));
  }
  static int Poll(pollfd* asked, unsigned count) {
    for (unsigned i = 0; i < count; ++i) asked[i].revents = asked[i].events;
    return static_cast<int>(count);
  }

  static int Enter(int, unsigned submit, unsigned wait, unsigned flags,
                   const io_uring_getevents_arg* arg) {
    using netpoll::model::Thread;
    if (submit != 0) return Submit();
    if ((flags & IORING_ENTER_GETEVENTS) == 0) return 0;
    if (wait == 0) {
      return Thread::Call("uring.flush", *system, uring_system::FetchAside);
    }
    if (arg == nullptr) {
      return Thread::Await("uring.wait", *system, uring_system::Wait, wait);
    }
    return Thread::Call("uring.rest", *system, uring_system::WaitOrNot, wait) ==
                   0
               ? 0
               : -ETIME;
  }

 private:
  static int Submit() {
    using netpoll::model::Thread;
    const io_uring_sqe& made = memory->request;
    UringRequest request;
    request.silent = (made.flags & IOSQE_CQE_SKIP_SUCCESS) != 0;
    request.key = ShortKey::Of(made.user_data);
    request.thread = thread;
    request.tail = static_cast<std::uint8_t>(memory->words.request_tail);
    if (made.opcode == IORING_OP_POLL_ADD) {
      request.what = UringRequest::kPoll;
      request.other = static_cast<std::uint8_t>(made.fd - BackendFiles::kFirst);
    } else if (made.opcode == IORING_OP_ASYNC_CANCEL) {
      request.what = UringRequest::kCancel;
      request.other = ShortKey::Of(made.addr);
    }
    switch (Thread::Call("uring.submit", *system, uring_system::Submit,
                         request.Pack())) {
      case uring_system::kRefused:
        return -EAGAIN;
      case uring_system::kLost:
        StopProgram("Q1: a request was lost, or handed over twice");
      case uring_system::kTwoPolls:
        StopProgram("Q3: a second poll of a file that has one");
      default:
        return 1;
    }
  }
};

struct UringCast : BackendCast {
  int completions = 4;  // That there is room for.
  int orphans = 0;      // Threads that go after they have armed.
  int shortages = 0;    // Times in which the kernel takes no request.
};

class UringWorld
    : public BackendWorld<IoUringBackend<ModelEnv<2>, ModelUringSys>,
                          UringSystem> {
 public:
  explicit UringWorld(const UringCast& cast)
      : BackendWorld(cast, "uring.wait", SystemOf(cast)),
        memory_(system_),
        uring_(cast) {
    AddThreads();
    for (int i = 0; i < cast.owners + cast.passers; ++i) {
      AddSystem("kernel" + std::to_string(i + 1), [i](Thread& thread) {
        for (;;) {
          thread.Mark("work");
          Thread::Await("kernel.work", *ModelUringSys::system,
                        uring_system::Work, i);
        }
      });
    }
    for (int i = 0; i < cast.orphans; ++i) {
      AddSystem("end", [](Thread&) {
        Thread::MayCall("thread.ends", *ModelUringSys::system,
                        uring_system::Orphan, 0);
      });
    }
    for (int i = 0; i < cast.shortages; ++i) {
      AddSystem("memory", [](Thread&) {
        Thread::MayCall("memory.short", *ModelUringSys::system,
                        uring_system::RunShort);
      });
    }
    Settle();
  }

 private:
  static UringSystem SystemOf(const UringCast& cast) {
    UringSystem system;
    system.room = static_cast<std::uint8_t>(cast.completions);
    return system;
  }
  void Enter(Thread*, int number) override {
    ModelUringSys::system = &system_;
    ModelUringSys::memory = &memory_;
    ModelUringSys::thread = static_cast<std::uint8_t>(number);
    ModelUringSys::room = static_cast<unsigned>(uring_.completions);
    ModelUringSys::orphans = uring_.orphans != 0;
    SharedMemory::current = &memory_;
  }
  bool OpensLater(int error) override {
    if (error != EAGAIN || uring_.shortages == 0) return false;
    ModelUringSys::Pause(0);
    return true;
  }
  void AfterClose(Thread& thread, int file) override {
    if (Thread::Call("system.holds", system_, uring_system::Holds, file) != 0) {
      thread.Fail("S4: Close returned while a poll holds its file");
    }
  }

  UringMemory memory_;
  const UringCast uring_;
};

inline void AddUringScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, UringCast cast) {
    all.push_back(
        {.name = name,
         .about = about,
         .make =
             [cast] { return std::unique_ptr<World>(new UringWorld(cast)); },
         .interleaved = true});
  };
  add("uring-read", "io_uring: a task waits for one edge", {{.edges = 1}});
  add("uring-reopen", "... its file is closed, and reused",
      {{.lives = 2, .edges = 1}});
  add("uring-both", "... edges of both directions, told as one or as two",
      {{.both = true, .edges = 1, .rooms = 1}});
  add("uring-break", "... a break beside the edges",
      {{.edges = 1, .breakers = 1}});
  add("uring-breakers", "... two breakers and nothing else",
      {{.owners = 0, .edges = 0, .breakers = 2}});
  add("uring-foreign", "... the wait is in a loop of somebody else's",
      {{.edges = 1, .breakers = 1, .foreign = true}});
  add("uring-look", "... a poll that does not block fetches what is there",
      {{.edges = 1, .breakers = 1, .lookers = 1}});
  add("uring-orphan", "... the thread that armed the poll is gone",
      {{.rounds = 2, .edges = 2}, 4, 1});
  add("uring-two-files", "... who closes one file fetches what came of another",
      {{.edges = 1, .passers = 1}});
  add("uring-full", "... a ring with room for one completion",
      {{.edges = 1, .breakers = 1}, 1});
  add("uring-refused", "... the kernel can't take a request just now",
      {{.owners = 0, .edges = 0, .breakers = 2}, 4, 0, 1});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SYSTEMS_URING_WORLD_H_
