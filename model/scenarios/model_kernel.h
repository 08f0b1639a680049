// SPDX-License-Identifier: Apache-2.0
//
// What surrounds the poller in the model: a kernel with one descriptor, the
// backend over it, and the descriptor's timer, which may fire late, or
// although it was stopped or armed anew after it had been taken.

#ifndef NETPOLL_MODEL_SCENARIOS_MODEL_KERNEL_H_
#define NETPOLL_MODEL_SCENARIOS_MODEL_KERNEL_H_

#include <cstdint>
#include <optional>
#include <string>

#include "netpoll/core/backend_traits.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/model/model_env.h"

namespace netpoll::model {

// What a thread that polls or fires timers carries into core: its note.
struct InHand {
  enum class What : std::uint8_t { kNothing, kEvent, kTimer };
  What what = What::kNothing;
  std::uint8_t id = 0;   // An event's generation, the time that a timer is
                         // fired at.
  bool rearmed = false;  // Since then a timer was the earliest.
  bool stale = false;    // An event that the status word says is another's.

  static InHand Event(std::uint32_t generation) {
    return {What::kEvent, static_cast<std::uint8_t>(generation)};
  }
  // At no time: it is not due.
  static InHand Timer(std::int64_t now, bool rearmed) {
    return {now == 0 ? What::kNothing : What::kTimer,
            static_cast<std::uint8_t>(now), rearmed};
  }
};

// The kernel's side of a descriptor, edge-triggered over the whole mask.
struct Kernel {
  bool registered = false;
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  std::uint8_t pending = 0;  // Directions with an edge not yet reported.
  bool error = false;        // The pending report is a pure error.
  std::uint8_t unread = 0;   // What a read would find.
  std::uint8_t room = 0;     // What a write would find.
  std::uint8_t errors = 0;   // Reports taken in a row that were pure errors.
  bool no_more = false;      // A report taken said that no more edges come.
  // Directions that were ready when a deadline last passed, and have not been
  // found so since, by their task's call or by a question before a timeout.
  std::uint8_t in_time = 0;
  // Directions that were asked for since they were last reported, where levels
  // are reported.
  std::uint8_t armed = 0;
  // Where polls go on for ever: a report is in a poll's hands, and how often
  // its descriptor has been closed since.
  bool held = false;
  std::uint8_t reuses = 0;

  friend bool operator==(const Kernel&, const Kernel&) = default;
  std::string Text() const {
    return std::string(registered ? "gen " : "gone, gen ") +
           std::to_string(generation) + " pending " + std::to_string(pending) +
           " unread " + std::to_string(unread) + " room " +
           std::to_string(room);
  }
};
using KernelObject = ObjectOf<Kernel>;

// A report on its way: packed into a response.
struct Report {
  static int Pack(const Kernel& kernel) {
    return static_cast<int>(kernel.pending | (kernel.error ? 4 : 0) |
                            kernel.generation << 3 | kernel.index << 8);
  }
  explicit Report(int packed)
      : mode(static_cast<Mode>(packed & 3)),
        flags{(packed & 4) != 0, (packed & 4) != 0},
        generation(packed >> 3 & 31),
        index(packed >> 8) {}
  Mode mode;
  EventFlags flags;
  std::uint32_t generation;
  std::uint32_t index;
};

namespace kernel {

inline std::optional<int> Register(Kernel& kernel, std::int64_t generation) {
  kernel.registered = true;
  kernel.generation = static_cast<std::uint32_t>(generation);
  kernel.pending = 0;
  kernel.error = false;
  kernel.unread = 0;
  kernel.room = 0;
  kernel.errors = 0;
  kernel.no_more = false;
  kernel.in_time = 0;
  kernel.armed = 0;
  return 0;
}

// 1: nothing was registered under that generation.
inline std::optional<int> Deregister(Kernel& kernel, std::int64_t generation) {
  const bool right = kernel.registered && kernel.generation == generation;
  kernel.registered = false;
  kernel.pending = 0;
  kernel.in_time = 0;
  kernel.armed = 0;
  if (kernel.held) ++kernel.reuses;
  return right ? 0 : 1;
}

// Something happens on the other side, in the directions of `mode`.
inline std::optional<int> Edge(Kernel& kernel, std::int64_t mode) {
  if (!kernel.registered) return 0;
  if ((mode & 1) != 0) ++kernel.unread;
  if ((mode & 2) != 0) ++kernel.room;
  kernel.pending = static_cast<std::uint8_t>(kernel.pending | (mode & 3));
  kernel.error = false;
  return 0;
}

// A report that says nothing but "error"; no edge follows it. `news`: that many
// calls of each direction have an error to fetch.
inline std::optional<int> Error(Kernel& kernel, std::int64_t news) {
  if (!kernel.registered) return 0;
  kernel.unread = static_cast<std::uint8_t>(kernel.unread + news);
  kernel.room = static_cast<std::uint8_t>(kernel.room + news);
  kernel.pending = 3;
  kernel.error = true;
  return 0;
}

// How many calls of a direction would get something, and which would.
inline std::uint8_t& Supply(Kernel& kernel, Mode direction) {
  return direction == Mode::kRead ? kernel.unread : kernel.room;
}
inline std::uint8_t ReadyNow(const Kernel& kernel) {
  return static_cast<std::uint8_t>((kernel.unread != 0 ? 1 : 0) |
                                   (kernel.room != 0 ? 2 : 0));
}

// Errors in a row beyond these are as many.
inline constexpr std::uint8_t kMostErrors = 9;

// Takes one report; blocks while there is none.
inline std::optional<int> Take(Kernel& kernel, std::int64_t holds) {
  if (!kernel.registered || kernel.pending == 0) return std::nullopt;
  const int report = Report::Pack(kernel);
  if (!kernel.error) {
    kernel.errors = 0;
  } else if (kernel.errors < kMostErrors) {
    ++kernel.errors;
  }
  kernel.no_more = kernel.no_more || kernel.error;
  kernel.pending = 0;
  kernel.error = false;
  kernel.held = holds != 0;
  kernel.reuses = 0;
  return report;
}

// The same where levels are reported: what was asked for, once.
inline std::optional<int> TakeLevel(Kernel& kernel, std::int64_t) {
  const int due = kernel.armed & ReadyNow(kernel);
  if (!kernel.registered || due == 0) return std::nullopt;
  kernel.armed &= static_cast<std::uint8_t>(~due);
  kernel.pending = static_cast<std::uint8_t>(due);
  const int report = Report::Pack(kernel);
  kernel.pending = 0;
  return report;
}
inline std::optional<int> Arm(Kernel& kernel, std::int64_t mode) {
  kernel.armed |= static_cast<std::uint8_t>(mode);
  return 0;
}

// The system call: 1 if it got something, 0 for "would block".
inline std::optional<int> Try(Kernel& kernel, std::int64_t mode) {
  std::uint8_t& supply = Supply(kernel, static_cast<Mode>(mode));
  if (supply == 0) return 0;
  if (--supply == 0) kernel.in_time &= static_cast<std::uint8_t>(~mode);
  return 1;
}

// The same until it would block: a short read.
inline std::optional<int> TakeAll(Kernel& kernel, std::int64_t) {
  const bool some = kernel.unread != 0;
  kernel.unread = 0;
  return some ? 1 : 0;
}

// A deadline passes, and will be believed.
inline std::optional<int> TimePasses(Kernel& kernel, std::int64_t) {
  kernel.in_time = ReadyNow(kernel);
  return 0;
}

// Which of the directions asked about are ready, whatever was reported.
constexpr std::int64_t Question(std::uint32_t generation, Mode mode) {
  return std::int64_t{generation} << 8 | static_cast<std::int64_t>(mode);
}
inline std::optional<int> Ask(Kernel& kernel, std::int64_t question) {
  // Its number may be another's by now.
  if (!kernel.registered || kernel.generation != question >> 8) return 0;
  const int asked = static_cast<int>(question & 3);
  kernel.in_time &= static_cast<std::uint8_t>(~asked);
  return asked & ReadyNow(kernel);
}

}  // namespace kernel

// The backend contract over that kernel.
class ModelBackend {
 public:
  static constexpr BackendTraits kTraits = {.needs_arm = true,
                                            .asks_before_timeout = true};
  static constexpr const char* kName = "model";

  // `asks`: before a timeout, because a poll may see later what has come.
  // `holds`: a poll says when it has done with a report (kernel::LetGo).
  // `levels`: it reports what lasts, to whoever asks.
  explicit ModelBackend(KernelObject& kernel, bool open_may_fail = false,
                        bool asks = false, bool holds = false,
                        bool levels = false)
      : kernel_(kernel),
        open_may_fail_(open_may_fail),
        asks_(asks),
        holds_(holds),
        levels_(levels) {}

  static int CheckPollable(Fd) { return 0; }
  int Init() { return 0; }
  int Open(Fd fd, EventKey key) {
    // The second attempt, with another number, succeeds.
    if (open_may_fail_ && fd == 3 &&
        Thread::Choose("kernel.open_fails", 2) == 1) {
      return 1;
    }
    return Thread::Call("kernel.open", kernel_, kernel::Register,
                        key.generation());
  }
  int Close(Fd, EventKey key) {
    if (Thread::Call("kernel.close", kernel_, kernel::Deregister,
                     key.generation()) != 0) {
      StopProgram("S9: what was deregistered is not what was registered");
    }
    return 0;
  }
  template <class Sink>
  void Poll(Delta, Sink& sink) {
    const Report report(
        levels_ ? Thread::Await("kernel.wait", kernel_, kernel::TakeLevel)
                : Thread::Await("kernel.wait", kernel_, kernel::Take,
                                holds_ ? 1 : 0));
    SetNoteOfRun(InHand::Event(report.generation));
    sink.Ready(EventKey::ForSlot(report.index, report.generation), report.mode,
               report.flags);
    SetNoteOfRun({});
  }
  BackendTraits traits() const {
    return {.needs_arm = levels_, .asks_before_timeout = asks_};
  }
  void Arm(Fd, EventKey, Mode direction) {
    Thread::Call("kernel.arm", kernel_, kernel::Arm,
                 static_cast<std::int64_t>(direction));
  }
  template <class Sink>
  void Ask(Fd, EventKey key, Mode mode, Sink& sink) {
    const int ready = Thread::Call("kernel.ask", kernel_, kernel::Ask,
                                   kernel::Question(key.generation(), mode));
    if (ready == 0) return;
    // The firing that the question is about goes on afterwards.
    const Note firing = NoteOfRun();
    SetNoteOfRun(InHand::Event(key.generation()));
    sink.Ready(key, static_cast<Mode>(ready), {});
    SetNoteOfRun(firing);
  }
  void Break() {}
  bool IsPollDescriptor(Fd) const { return false; }

 private:
  KernelObject& kernel_;
  const bool open_may_fail_;
  const bool asks_;
  const bool holds_;
  const bool levels_;
};

// The timer of the one descriptor, as a value.
struct ModelTimer {
  bool waits = false;
  std::int64_t when = 0;

  friend bool operator==(const ModelTimer&, const ModelTimer&) = default;
  std::string Text() const {
    return waits ? "at " + std::to_string(when) : "idle";
  }
};

template <class Env, class Owner>
class ModelTimers {
 public:
  using Object = ObjectOf<ModelTimer>;
  struct Firing {
    Owner* owner;
    std::int64_t when;
  };

  ModelTimers() : timer_(Object(ModelTimer{})) { timer_.name = "timer"; }

  bool Arm(Owner* owner, std::int64_t when) {
    owner_ = owner;
    const bool sooner = Thread::Call("timers.arm", timer_, ArmStep, when) != 0;
    InHand firing = NoteOfRun().As<InHand>();
    if (firing.what == InHand::What::kTimer && sooner) {
      firing.rearmed = true;
      SetNoteOfRun(firing);
    }
    return sooner;
  }
  void Stop(Owner*) { Thread::Call("timers.stop", timer_, StopStep); }
  bool PopDue(std::int64_t now, Firing* firing) {
    const bool rearmed = NoteOfRun().As<InHand>().rearmed;
    MarkOfRun("due", {now});
    const int when = Thread::Call("timers.pop", timer_, PopStep, now);
    SetNoteOfRun(InHand::Timer(when == 0 ? 0 : now, rearmed));
    *firing = {owner_, when};
    return when != 0;
  }
  std::int64_t Next() const { return 0; }

 private:
  static std::optional<int> ArmStep(ModelTimer& timer, std::int64_t when) {
    const bool sooner = !timer.waits || when < timer.when;
    timer = {true, when};
    return sooner ? 1 : 0;
  }
  static std::optional<int> StopStep(ModelTimer& timer, std::int64_t) {
    timer = {};
    return 0;
  }
  // 0: it is not due.
  static std::optional<int> PopStep(ModelTimer& timer, std::int64_t now) {
    if (!timer.waits || timer.when > now) return 0;
    const int when = static_cast<int>(timer.when);
    timer = {};
    return when;
  }

  Object timer_;
  // One descriptor: the same in every run.
  Owner* owner_ = nullptr;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_MODEL_KERNEL_H_
