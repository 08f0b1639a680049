// SPDX-License-Identifier: Apache-2.0
//
// The event ports backend as it ships, over a port that does what
// port_associate(3C), port_getn and port_alert allow: an association is good
// for one event, made anew it takes back what was not retrieved, and an alert
// is given, alone, to all that wait when it is set and to all that come until
// it ends.

#ifndef NETPOLL_MODEL_SYSTEMS_PORTS_WORLD_H_
#define NETPOLL_MODEL_SYSTEMS_PORTS_WORLD_H_

#include <poll.h>
#include <port.h>
#include <time.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netpoll/backends/event_ports/event_ports_backend.h"
#include "netpoll/core/event_key.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/model_env.h"
#include "netpoll/model/systems/backend_world.h"

namespace netpoll::model {

struct PortSystem : BackendFiles {
  struct Association {
    bool made = false;
    std::uint8_t life = 0;    // Of the key.
    std::uint8_t wanted = 0;  // Directions; a hang-up is always told.
    std::uint8_t fired = 0;   // What its event will say; 0: there is none.
    friend bool operator==(const Association&, const Association&) = default;
  };
  Association associations[kFiles];
  bool alert = false;    // It is set.
  bool sleeps = false;   // The blocking poll waits.
  bool alerted = false;  // ... and was given an alert.
  std::uint8_t signals = 0;

  void Came(int file, int bits) {
    Association& one = associations[file];
    if (!one.made || one.life != files[file].life) return;
    one.fired |= static_cast<std::uint8_t>(bits & (one.wanted | 4));
  }
  std::string Text() const {
    std::string text = BackendFiles::Text();
    for (const Association& one : associations) {
      if (one.made) text += " for " + std::to_string(one.wanted);
      if (one.fired != 0) text += "!";
    }
    return text + (alert ? " ALERT" : "");
  }
  friend bool operator==(const PortSystem&, const PortSystem&) = default;
};

namespace port_system {

using Step = std::optional<int>;
using Association = PortSystem::Association;

inline int Bits(int events) {
  return ((events & POLLIN) != 0 ? 1 : 0) | ((events & POLLOUT) != 0 ? 2 : 0);
}

inline Step Associate(PortSystem& system, std::int64_t what) {
  const int file = static_cast<int>(what & 255);
  const BackendFile& now = system.files[file];
  if (now.life == 0) return EBADFD;
  const auto wanted = static_cast<std::uint8_t>(what >> 8 & 255);
  const int ready = now.hung_up ? 7 : now.ready();
  system.associations[file] = {true, static_cast<std::uint8_t>(what >> 16),
                               wanted,
                               static_cast<std::uint8_t>(ready & (wanted | 4))};
  return 0;
}
inline Step Dissociate(PortSystem& system, std::int64_t file) {
  if (!system.associations[file].made) return ENOENT;
  system.associations[file] = {};
  return 0;
}
inline Step Holds(PortSystem& system, std::int64_t file) {
  return system.associations[file].made ? 1 : 0;
}

// What a call gives: bit 0 an alert; else for each file three bits of events
// and three of the key's life.
constexpr int kAlert = 1;
constexpr int kNothing = 0;
inline int EventsAt(int file) { return 1 + 6 * file; }

inline int Retrieve(PortSystem& system) {
  int batch = 0;
  for (int file = 0; file < BackendFiles::kFiles; ++file) {
    Association& one = system.associations[file];
    if (one.fired == 0) continue;
    batch |= (one.fired | one.life << 3) << EventsAt(file);
    one = {};
  }
  return batch;
}
inline Step GetNow(PortSystem& system, std::int64_t) {
  if (system.alert) return kAlert;
  return Retrieve(system);
}
// The call begins: it has something at once, or will wait.
inline Step GetOrSleep(PortSystem& system, std::int64_t) {
  const int batch = *GetNow(system, 0);
  if (batch == kNothing) system.sleeps = true;
  return batch;
}
inline Step Sleep(PortSystem& system, std::int64_t) {
  if (system.alerted) {
    system.alerted = system.sleeps = false;
    return kAlert;
  }
  const int batch = Retrieve(system);
  if (batch == kNothing) return std::nullopt;
  system.sleeps = false;
  return batch;
}
inline Step Interrupt(PortSystem& system, std::int64_t) {
  if (system.signals == 0 || system.alerted) return 0;
  --system.signals;
  system.sleeps = false;
  return 1;
}
// `set`: 0 ends it, 1 sets it unless it is set.
inline Step Alert(PortSystem& system, std::int64_t set) {
  if (set == 0) {
    system.alert = false;
    return 0;
  }
  if (system.alert) return EBUSY;
  system.alert = true;
  system.alerted = system.sleeps;
  return 0;
}

}  // namespace port_system

struct ModelPortSys {
  static inline thread_local ObjectOf<PortSystem>* system = nullptr;
  static inline thread_local bool signals = false;

  static int Create() { return 100; }
  static int SetCloseOnExec(int) { return 0; }
  static void Close(int) {}
  static int Associate(int, int fd, int events, std::uint64_t cookie) {
    const std::int64_t life = EventKey::FromBits(cookie).generation();
    return -Thread::Call("port.associate", *system, port_system::Associate,
                         life << 16 | port_system::Bits(events) << 8 |
                             (fd - BackendFiles::kFirst));
  }
  static int Dissociate(int, int fd) {
    return -Thread::Call("port.dissociate", *system, port_system::Dissociate,
                         fd - BackendFiles::kFirst);
  }
  static int Alert(int, int flags, int events, std::uint64_t) {
    if (flags == PORT_ALERT_SET && events != 0) {
      StopProgram("an alert is set over another");
    }
    return -Thread::Call("port.alert", *system, port_system::Alert,
                         events != 0 ? 1 : 0);
  }
  static int GetN(int, port_event_t* events, unsigned, unsigned* count,
                  timespec* limit) {
    const int batch =
        limit != nullptr
            ? Thread::Call("port.look", *system, port_system::GetNow)
            : Thread::Call("port.get", *system, port_system::GetOrSleep);
    if (batch != port_system::kNothing || limit != nullptr) {
      return Hand(batch, events, count);
    }
    if (signals && Thread::Choose("port.signal", 2) == 1 &&
        Thread::Call("port.interrupted", *system, port_system::Interrupt) !=
            0) {
      return -EINTR;
    }
    return Hand(Thread::Await("port.sleep", *system, port_system::Sleep),
                events, count);
  }

 private:
  static int Hand(int batch, port_event_t* events, unsigned* count) {
    *count = 0;
    if ((batch & port_system::kAlert) != 0) {
      Put(EventKey::Internal(0), POLLHUP, PORT_SOURCE_ALERT, 0,
          &events[(*count)++]);
      return 0;
    }
    for (int file = 0; file < BackendFiles::kFiles; ++file) {
      const int bits = batch >> port_system::EventsAt(file);
      if ((bits & 7) == 0) continue;
      const int told = ((bits & 1) != 0 ? POLLIN : 0) |
                       ((bits & 2) != 0 ? POLLOUT : 0) |
                       ((bits & 4) != 0 ? POLLHUP : 0);
      Put(EventKey::ForSlot(static_cast<std::uint32_t>(file),
                            static_cast<std::uint32_t>(bits >> 3 & 7)),
          told, PORT_SOURCE_FD, BackendFiles::kFirst + file,
          &events[(*count)++]);
    }
    return 0;
  }
  static void Put(EventKey key, int told, int source, int fd,
                  port_event_t* event) {
    event->portev_events = told;
    event->portev_source = static_cast<decltype(event->portev_source)>(source);
    event->portev_object = static_cast<std::uintptr_t>(fd);
    event->portev_user =
        reinterpret_cast<void*>(static_cast<std::uintptr_t>(key.bits()));
  }
};

struct PortCast : BackendCast {
  int signals = 0;
};

class PortWorld
    : public BackendWorld<EventPortsBackend<ModelEnv<2>, ModelPortSys>,
                          PortSystem> {
 public:
  explicit PortWorld(const PortCast& cast)
      : BackendWorld(cast, "port.sleep", SystemOf(cast)),
        signals_(cast.signals != 0) {
    AddThreads();
    // So that nothing is made during the story.
    (void)backend_.Open(BackendFiles::kFirst, EventKey::ForSlot(0, 1));
    (void)backend_.Close(BackendFiles::kFirst, EventKey::ForSlot(0, 1));
    Settle();
  }

 private:
  static PortSystem SystemOf(const PortCast& cast) {
    PortSystem system;
    system.signals = static_cast<std::uint8_t>(cast.signals);
    return system;
  }
  void Enter(Thread*, int) override {
    ModelPortSys::system = &system_;
    ModelPortSys::signals = signals_;
  }
  void AfterClose(Thread& thread, int file) override {
    if (Thread::Call("system.holds", system_, port_system::Holds, file) != 0) {
      thread.Fail("S4: Close returned and the file is still associated");
    }
  }

  const bool signals_;
};

inline void AddPortScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, PortCast cast) {
    all.push_back(
        {.name = name,
         .about = about,
         .make = [cast] { return std::unique_ptr<World>(new PortWorld(cast)); },
         .interleaved = true});
  };
  add("ports-reopen",
      "event ports: a file is closed while its event is fetched",
      {{.lives = 2, .edges = 2}});
  add("ports-both", "... a report of one direction, and the other is kept",
      {{.both = true, .edges = 1, .rooms = 1}});
  add("ports-hang-up", "... the peer hangs up",
      {{.rounds = 2, .edges = 0, .hang_ups = 1}});
  add("ports-look", "... two polls fetch events of one file",
      {{.both = true, .edges = 1, .rooms = 1, .lookers = 1}});
  add("ports-break", "... an alert hides the events behind it",
      {{.edges = 1, .breakers = 1, .breaks = 2}});
  add("ports-break-look", "... and a poll that does not block meets it",
      {{.edges = 1, .breakers = 1, .lookers = 1}});
  add("ports-break-looks", "... and again",
      {{.owners = 0, .edges = 0, .breakers = 2, .lookers = 1, .looks = 2}});
  add("ports-signal", "... a signal interrupts the call",
      {{.edges = 1, .breakers = 1}, 1});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SYSTEMS_PORTS_WORLD_H_
