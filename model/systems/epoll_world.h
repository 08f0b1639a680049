// SPDX-License-Identifier: Apache-2.0
//
// The epoll backend as it ships, with its eventfd, over a system that does what
// epoll(7) and eventfd(2) allow: edges of one file may be told as one or as
// several, a call may fetch less than there is, and may be interrupted.

#ifndef NETPOLL_MODEL_SYSTEMS_EPOLL_WORLD_H_
#define NETPOLL_MODEL_SYSTEMS_EPOLL_WORLD_H_

#include <sys/epoll.h>
#include <time.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/core/event_key.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/model_env.h"
#include "netpoll/model/systems/backend_world.h"

namespace netpoll::model {

struct EpollSystem : BackendFiles {
  static constexpr int kWake = 100;

  struct Entry {
    bool made = false;
    std::uint8_t slot = 0;  // Of the key.
    std::uint8_t life = 0;
    std::uint8_t edges = 0;  // Not yet told.
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  Entry entries[kFiles];
  std::uint8_t count = 0;      // Of the eventfd.
  std::uint8_t fresh = 0;      // Writes that have ended no poll.
  bool wake_by_edges = false;  // As it was registered.
  bool wake_edge = false;
  std::uint8_t signals = 0;

  void Came(int file, int bits) {
    Entry& entry = entries[file];
    if (entry.made && entry.life == files[file].life) {
      entry.edges |= static_cast<std::uint8_t>(bits);
    }
  }
  std::optional<int> Readable() {
    for (const Entry& entry : entries) {
      if (entry.edges != 0) return 0;
    }
    if (!Wakes()) return std::nullopt;
    const bool heard = fresh == 0;
    fresh = 0;
    return heard ? 1 : 0;
  }
  bool Wakes() const { return wake_by_edges ? wake_edge : count != 0; }
  std::string Text() const {
    std::string text = BackendFiles::Text();
    for (const Entry& entry : entries) {
      if (entry.made) text += entry.edges != 0 ? " added!" : " added";
    }
    return text + " eventfd " + std::to_string(count);
  }
  friend bool operator==(const EpollSystem&, const EpollSystem&) = default;
};

namespace epoll_system {

using Step = std::optional<int>;
using Entry = EpollSystem::Entry;

inline Step Add(EpollSystem& system, std::int64_t what) {
  const int at = static_cast<int>(what & 255);
  Entry& entry = system.entries[at];
  if (entry.made) return EEXIST;
  entry = {true, static_cast<std::uint8_t>(what >> 8 & 255),
           system.files[at].life, system.files[at].ready()};
  return 0;
}
inline Step AddWake(EpollSystem& system, std::int64_t by_edges) {
  system.wake_by_edges = by_edges != 0;
  return 0;
}
inline Step Delete(EpollSystem& system, std::int64_t file) {
  if (!system.entries[file].made) return ENOENT;
  system.entries[file] = {};
  return 0;
}
inline Step Holds(EpollSystem& system, std::int64_t file) {
  return system.entries[file].made ? 1 : 0;
}

// A batch: bit 0 the wake-up, then for each file three bits of events and three
// of its life. Its second bit says that the wake-up was due to no write.
constexpr int kWakes = 1;
constexpr int kForNothing = 2;
constexpr int kSignal = 1 << 14;
inline int EventsAt(int file) { return 2 + 6 * file; }

inline int Fetch(EpollSystem& system, bool blocking) {
  int batch = 0;
  if (system.Wakes()) {
    batch |= kWakes;
    system.wake_edge = false;
    if (blocking && system.fresh == 0) batch |= kForNothing;
    if (blocking) system.fresh = 0;
  }
  for (int file = 0; file < BackendFiles::kFiles; ++file) {
    Entry& entry = system.entries[file];
    batch |= (entry.edges | entry.life << 3) << EventsAt(file);
    entry.edges = 0;
  }
  return batch;
}
inline bool Any(const EpollSystem& system) {
  bool any = system.Wakes();
  for (const Entry& entry : system.entries) any = any || entry.edges != 0;
  return any;
}
inline Step FetchNow(EpollSystem& system, std::int64_t) {
  return Fetch(system, false);
}
inline Step FetchLater(EpollSystem& system, std::int64_t) {
  if (!Any(system)) return std::nullopt;
  return Fetch(system, true);
}
inline Step Interrupt(EpollSystem& system, std::int64_t) {
  if (system.signals == 0) return 0;
  --system.signals;
  return 1;
}
inline Step Write(EpollSystem& system, std::int64_t) {
  ++system.count;
  ++system.fresh;
  system.wake_edge = true;
  return 0;
}
inline Step Read(EpollSystem& system, std::int64_t) {
  if (system.count == 0) return 1;
  system.count = 0;
  return 0;
}

}  // namespace epoll_system

struct ModelLinuxSys {
  static inline thread_local ObjectOf<EpollSystem>* system = nullptr;
  static inline thread_local Thread* thread = nullptr;
  static inline thread_local bool signals = false;

  static int EpollCreate() { return EpollSystem::kWake + 1; }
  static int EventFd() { return EpollSystem::kWake; }
  static int EpollCtl(int, int op, int fd, epoll_event* event) {
    const int file = fd - BackendFiles::kFirst;
    if (op == EPOLL_CTL_DEL) {
      return -Thread::Call("epoll.delete", *system, epoll_system::Delete, file);
    }
    if (fd == EpollSystem::kWake) {
      return Thread::Call("epoll.add_wake", *system, epoll_system::AddWake,
                          (event->events & EPOLLET) != 0 ? 1 : 0);
    }
    const EventKey key = EventKey::FromBits(event->data.u64);
    return -Thread::Call("epoll.add", *system, epoll_system::Add,
                         std::int64_t{key.index()} << 8 | file);
  }
  static int EpollWait(int, epoll_event* events, int, int millis) {
    if (signals && Thread::Choose("epoll.signal", 2) == 1 &&
        Thread::Call("epoll.interrupted", *system, epoll_system::Interrupt) !=
            0) {
      return -EINTR;
    }
    const int batch =
        millis == 0
            ? Thread::Call("epoll.look", *system, epoll_system::FetchNow)
            : Thread::Await("epoll.sleep", *system, epoll_system::FetchLater);
    if ((batch & epoll_system::kForNothing) != 0) {
      thread->Fail("K5: a poll ended for a wake-up that had ended another");
    }
    int count = 0;
    if ((batch & epoll_system::kWakes) != 0) {
      events[count].events = EPOLLIN;
      events[count++].data.u64 = EventKey::Internal(0).bits();
    }
    for (int file = 0; file < BackendFiles::kFiles; ++file) {
      const int bits = batch >> epoll_system::EventsAt(file);
      if ((bits & 7) == 0) continue;
      events[count].events = ((bits & 1) != 0 ? EPOLLIN : 0u) |
                             ((bits & 2) != 0 ? EPOLLOUT : 0u) |
                             ((bits & 4) != 0 ? EPOLLHUP : 0u);
      events[count++].data.u64 =
          EventKey::ForSlot(static_cast<std::uint32_t>(file),
                            static_cast<std::uint32_t>(bits >> 3 & 7))
              .bits();
    }
    return count;
  }
  static int EpollPwait2(int, epoll_event*, int, const timespec*) {
    return -ENOSYS;
  }
  static int Read8(int, std::uint64_t* value) {
    *value = 1;
    return Thread::Call("eventfd.read", *system, epoll_system::Read) == 0
               ? 8
               : -EAGAIN;
  }
  static int Write8(int, std::uint64_t) {
    Thread::Call("eventfd.write", *system, epoll_system::Write);
    return 8;
  }
  static void Close(int) {}
};

struct EpollCast : BackendCast {
  int signals = 0;
};

class EpollWorld : public BackendWorld<EpollBackend<ModelEnv<2>, ModelLinuxSys>,
                                       EpollSystem> {
 public:
  explicit EpollWorld(const EpollCast& cast)
      : BackendWorld(cast, "epoll.sleep", SystemOf(cast)),
        signals_(cast.signals != 0) {
    AddThreads();
    Settle();
  }

 private:
  static EpollSystem SystemOf(const EpollCast& cast) {
    EpollSystem system;
    system.signals = static_cast<std::uint8_t>(cast.signals);
    return system;
  }
  void Enter(Thread* thread, int) override {
    ModelLinuxSys::system = &system_;
    ModelLinuxSys::thread = thread;
    ModelLinuxSys::signals = signals_;
  }
  void AfterClose(Thread& thread, int file) override {
    if (Thread::Call("system.holds", system_, epoll_system::Holds, file) != 0) {
      thread.Fail("S4: Close returned and the file is still in the epoll set");
    }
  }

  const bool signals_;
};

inline void AddEpollScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, EpollCast cast) {
    all.push_back(
        {.name = name,
         .about = about,
         .make =
             [cast] { return std::unique_ptr<World>(new EpollWorld(cast)); },
         .interleaved = true});
  };
  add("epoll-reopen", "epoll: a file is closed while its event is fetched",
      {{.lives = 2, .edges = 2}});
  add("epoll-both", "... edges of both directions, told as one or as two",
      {{.both = true, .edges = 1, .rooms = 1}});
  add("epoll-break", "... breaks, and a poll that does not block",
      {{.edges = 1, .breakers = 1, .breaks = 2, .lookers = 1}});
  add("epoll-signal", "... a signal interrupts the call",
      {{.edges = 1, .breakers = 2}, 1});
  add("epoll-foreign", "... the wait is in a loop of somebody else's",
      {{.edges = 1, .breakers = 1, .breaks = 2, .foreign = true}});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SYSTEMS_EPOLL_WORLD_H_
