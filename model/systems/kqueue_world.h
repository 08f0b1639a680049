// SPDX-License-Identifier: Apache-2.0
//
// The kqueue backend as it ships, with the waker that is a user event, over a
// queue that does what kqueue(2) allows: each change is a step of its own, and
// the first that fails ends the call; a filter with EV_CLEAR tells its state
// once, to whichever call fetches it; an interrupted call has made its changes.
// The waker that is a pipe has a world of its own: pipe_world.h.

#ifndef NETPOLL_MODEL_SYSTEMS_KQUEUE_WORLD_H_
#define NETPOLL_MODEL_SYSTEMS_KQUEUE_WORLD_H_

#include <sys/types.h>
// After sys/types.h, which some systems' version needs.
#include <sys/event.h>
#include <time.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netpoll/backends/kqueue/kqueue_backend.h"
#include "netpoll/backends/kqueue/kqueue_events.h"
#include "netpoll/core/event_key.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/model_env.h"
#include "netpoll/model/systems/backend_world.h"

namespace netpoll::model {

struct KqueueSystem : BackendFiles {
  struct Filter {
    bool made = false;
    std::uint8_t life = 0;  // Of the key.
    bool active = false;    // Its event can be fetched.
    friend bool operator==(const Filter&, const Filter&) = default;
  };
  Filter filters[kFiles][2];  // To read, to write.
  bool user = false;          // The user event is made,
  bool clears = false;        // ... with EV_CLEAR.
  bool triggered = false;
  std::uint8_t fresh = 0;  // Triggers that have ended no poll.
  std::uint8_t signals = 0;

  void Came(int file, int bits) {
    for (int i = 0; i < 2; ++i) {
      Filter& filter = filters[file][i];
      const bool news = (bits & (1 << i | 4)) != 0;
      if (filter.made && filter.life == files[file].life && news) {
        filter.active = true;
      }
    }
  }
  std::optional<int> Readable() const {
    for (const auto& file : filters) {
      if (file[0].active || file[1].active) return 0;
    }
    if (!triggered) return std::nullopt;
    return 0;
  }
  std::string Text() const {
    std::string text = BackendFiles::Text();
    for (const auto& file : filters) {
      for (const Filter& filter : file) {
        if (filter.made) text += filter.active ? " added!" : " added";
      }
    }
    return text + (triggered ? " TRIGGER" : "");
  }
  friend bool operator==(const KqueueSystem&, const KqueueSystem&) = default;
};

namespace kqueue_system {

using Step = std::optional<int>;
using Filter = KqueueSystem::Filter;

inline Step Add(KqueueSystem& system, std::int64_t what) {
  const int file = static_cast<int>(what & 15);
  const int which = static_cast<int>(what >> 4 & 15);
  system.filters[file][which] = {
      true, static_cast<std::uint8_t>(what >> 8),
      system.files[file].hung_up ||
          (system.files[file].ready() >> which & 1) != 0};
  return 0;
}
inline Step Delete(KqueueSystem& system, std::int64_t what) {
  Filter& filter = system.filters[what & 15][what >> 4];
  if (!filter.made) return ENOENT;
  filter = {};
  return 0;
}
inline Step AddUser(KqueueSystem& system, std::int64_t clears) {
  system.user = true;
  system.clears = clears != 0;
  return 0;
}
inline Step Trigger(KqueueSystem& system, std::int64_t) {
  if (!system.user) return ENOENT;
  system.triggered = true;
  ++system.fresh;
  return 0;
}
inline Step Holds(KqueueSystem& system, std::int64_t file) {
  const auto& filters = system.filters[file];
  return filters[0].made || filters[1].made ? 1 : 0;
}

// A batch: bit 0 the user event, bit 1 that no trigger was left for it; then
// for each file its two filters and three bits of the life.
constexpr int kUser = 1;
constexpr int kForNothing = 2;
inline int EventsAt(int file) { return 2 + 6 * file; }

inline int Fetch(KqueueSystem& system) {
  int batch = 0;
  if (system.triggered) {
    batch |= kUser;
    if (system.clears) system.triggered = false;
    if (system.fresh == 0) batch |= kForNothing;
    system.fresh = 0;
  }
  for (int file = 0; file < BackendFiles::kFiles; ++file) {
    for (int which = 0; which < 2; ++which) {
      Filter& filter = system.filters[file][which];
      if (!filter.active) continue;
      filter.active = false;
      const int end = system.files[file].hung_up ? 4 : 0;
      batch |= (1 << which | end | filter.life << 3) << EventsAt(file);
    }
  }
  return batch;
}
inline Step FetchNow(KqueueSystem& system, std::int64_t) {
  return Fetch(system);
}
inline Step FetchLater(KqueueSystem& system, std::int64_t) {
  const int batch = Fetch(system);
  if (batch == 0) return std::nullopt;
  return batch;
}
inline Step Interrupt(KqueueSystem& system, std::int64_t) {
  if (system.signals == 0) return 0;
  --system.signals;
  return 1;
}

}  // namespace kqueue_system

struct ModelKqueueSys {
  static inline thread_local ObjectOf<KqueueSystem>* system = nullptr;
  static inline thread_local Thread* thread = nullptr;
  static inline thread_local bool signals = false;

  static int Kqueue() { return 100; }
  static int Fcntl(int, int, int) { return 0; }
  static int Pipe(int*) { return -ENOSYS; }
  static int Read(int, void*, std::size_t) { return -EBADF; }
  static int Write(int, const void*, std::size_t) { return -EBADF; }
  static void Close(int) {}

  static int Kevent(int, const struct kevent* changes, int change_count,
                    struct kevent* events, int size, const timespec* limit) {
    for (int i = 0; i < change_count; ++i) {
      if (const int error = Change(changes[i]); error != 0) return -error;
    }
    if (Interrupted()) return -EINTR;
    if (size == 0) return 0;
    const int batch =
        limit != nullptr
            ? Thread::Call("kevent2.look", *system, kqueue_system::FetchNow)
            : Thread::Await("kevent2.sleep", *system,
                            kqueue_system::FetchLater);
    if ((batch & kqueue_system::kForNothing) != 0) {
      thread->Fail("K5: a wake-up was fetched that had been fetched before");
    }
    return Hand(batch, events);
  }

 private:
  static bool Interrupted() {
    return signals && Thread::Choose("kevent2.signal", 2) == 1 &&
           Thread::Call("kevent2.interrupted", *system,
                        kqueue_system::Interrupt) != 0;
  }
  static int Change(const struct kevent& change) {
    if (change.filter == EVFILT_USER) return ChangeUser(change);
    const std::int64_t which = change.filter == EVFILT_READ ? 0 : 1;
    const std::int64_t at =
        which << 4 | (static_cast<int>(change.ident) - BackendFiles::kFirst);
    if ((change.flags & EV_DELETE) != 0) {
      return Thread::Call("kevent2.delete", *system, kqueue_system::Delete, at);
    }
    const std::int64_t life =
        EventKey::FromBits(FromUdata(change.udata)).generation();
    return Thread::Call("kevent2.add", *system, kqueue_system::Add,
                        life << 8 | at);
  }
  // Announcements are not modelled: no filter is ever refused.
  static int ChangeUser(const struct kevent& change) {
    if ((change.flags & EV_DELETE) != 0) return ENOENT;
    if ((change.flags & EV_ADD) != 0) {
      Thread::Call("kevent2.add_user", *system, kqueue_system::AddUser,
                   (change.flags & EV_CLEAR) != 0 ? 1 : 0);
    }
    if ((change.fflags & NOTE_TRIGGER) == 0) return 0;
    return Thread::Call("kevent2.trigger", *system, kqueue_system::Trigger);
  }
  static int Hand(int batch, struct kevent* events) {
    int count = 0;
    if ((batch & kqueue_system::kUser) != 0) {
      events[count++] =
          KqueueChange(1, EVFILT_USER, EV_CLEAR, EventKey::Internal(0).bits());
    }
    for (int file = 0; file < BackendFiles::kFiles; ++file) {
      const int bits = batch >> kqueue_system::EventsAt(file);
      const std::uint32_t end = (bits & 4) != 0 ? EV_EOF : 0;
      const EventKey key =
          EventKey::ForSlot(static_cast<std::uint32_t>(file),
                            static_cast<std::uint32_t>(bits >> 3 & 7));
      for (int which = 0; which < 2; ++which) {
        if ((bits >> which & 1) == 0) continue;
        events[count++] = KqueueChange(
            static_cast<std::uint64_t>(BackendFiles::kFirst + file),
            which == 0 ? EVFILT_READ : EVFILT_WRITE, EV_CLEAR | end,
            key.bits());
      }
    }
    return count;
  }
};

struct KqueueCast : BackendCast {
  int signals = 0;
};

class KqueueWorld
    : public BackendWorld<KqueueBackend<ModelEnv<2>, ModelKqueueSys>,
                          KqueueSystem> {
 public:
  explicit KqueueWorld(const KqueueCast& cast)
      : BackendWorld(cast, "kevent2.sleep", SystemOf(cast)),
        signals_(cast.signals != 0) {
    AddThreads();
    Settle();
  }

 private:
  static KqueueSystem SystemOf(const KqueueCast& cast) {
    KqueueSystem system;
    system.signals = static_cast<std::uint8_t>(cast.signals);
    return system;
  }
  void Enter(Thread* thread, int) override {
    ModelKqueueSys::system = &system_;
    ModelKqueueSys::thread = thread;
    ModelKqueueSys::signals = thread != nullptr && signals_;
  }
  void AfterClose(Thread& thread, int file) override {
    if (Thread::Call("system.holds", system_, kqueue_system::Holds, file) !=
        0) {
      thread.Fail("S4: Close returned and the file has a filter still");
    }
  }

  const bool signals_;
};

inline void AddKqueueScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about,
                          KqueueCast cast) {
    all.push_back(
        {.name = name,
         .about = about,
         .make =
             [cast] { return std::unique_ptr<World>(new KqueueWorld(cast)); },
         .interleaved = true});
  };
  add("kqueue-reopen", "kqueue: a file is closed while its event is fetched",
      {{.lives = 2, .edges = 2}});
  add("kqueue-both", "... the two filters of one file",
      {{.both = true, .edges = 1, .rooms = 1}});
  add("kqueue-hang-up", "... the peer hangs up, and both filters tell of it",
      {{.both = true, .edges = 0, .hang_ups = 1}});
  add("kqueue-break",
      "... breaks, and a poll that does not block passes them on",
      {{.edges = 1, .breakers = 1, .breaks = 2, .lookers = 1}});
  add("kqueue-foreign", "... the wait is in a loop of somebody else's",
      {{.edges = 1, .breakers = 1, .breaks = 2, .foreign = true}});
  add("kqueue-signal",
      "... a signal interrupts a call that has made its changes",
      {{.edges = 1, .breakers = 1}, 1});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SYSTEMS_KQUEUE_WORLD_H_
