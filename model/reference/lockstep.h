// SPDX-License-Identifier: Apache-2.0
//
// Drives a whole Poller over any backend side by side with the reference
// model, one step at a time, and compares everything after each step: results,
// who was woken, the delta, the waiter count, the words, the next deadline and
// the number of stale events.
//
// What the backend reports is noted on its way into the poller and given to
// the model too. So the comparison is exact on a real system as well, although
// nobody can foretell which of its polls reports what.
//
// A task's phases: idle -> (Prepare says park) committing -> (Commit parks)
// parked -> (its waiter is handed out) finishing -> (Finish) idle, or to
// finishing at once. What its phase forbids is not called: see Can...

#ifndef NETPOLL_MODEL_REFERENCE_LOCKSTEP_H_
#define NETPOLL_MODEL_REFERENCE_LOCKSTEP_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/semaphore.h"
#include "netpoll/core/status.h"
#include "netpoll/core/types.h"
#include "netpoll/model/reference/reference_descriptor.h"
#include "netpoll/model/reference/semaphore_table.h"

namespace netpoll::model::reference {

struct Report {
  EventKey key;
  Mode mode;
  EventFlags flags;
};

// A backend that notes what it reports.
template <class Base>
class Recording : public Base {
 public:
  using Base::Base;

  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    reports.clear();
    Tee<Sink> tee{reports, sink};
    Base::Poll(delta, tee);
  }

  // Before a deadline fires: adds to the reports.
  template <class Sink>
  void Ask(Fd fd, EventKey key, Mode mode, Sink& sink) {
    Tee<Sink> tee{reports, sink};
    Base::Ask(fd, key, mode, tee);
  }

  std::vector<Report> reports;

 private:
  template <class Sink>
  struct Tee {
    std::vector<Report>& reports;
    Sink& sink;
    void Ready(EventKey key, Mode mode, EventFlags flags) {
      reports.push_back({key, mode, flags});
      sink.Ready(key, mode, flags);
    }
  };
};

enum class Phase : std::uint8_t { kIdle, kCommitting, kParked, kFinishing };

// A deadline as a test names it.
enum class When : std::uint8_t { kNone, kPast, kSoon, kLater, kNever };

template <class Backend>
class Lockstep {
 public:
  using ThePoller = Poller<Recording<Backend>>;
  using Desc = typename ThePoller::Desc;
  static constexpr std::int64_t kSoon = 10;
  static constexpr std::int64_t kLater = 25;

  struct Task : Waiter {
    Phase phase = Phase::kIdle;
    bool until_ready = false;
  };
  struct Conn {
    Fd fd = 0;
    Desc* desc = nullptr;  // Null: not open.
    EventKey key = EventKey::FromBits(0);
    EventKey old_key = EventKey::FromBits(0);  // Of an earlier incarnation.
    Task tasks[2];

    Task& task(Mode direction) {
      return tasks[direction == Mode::kRead ? 0 : 1];
    }
    bool idle() const {
      return tasks[0].phase == Phase::kIdle && tasks[1].phase == Phase::kIdle;
    }
  };

  Lockstep(ThePoller& poller, std::size_t conns)
      : poller_(poller),
        conns_(conns),
        stale_(poller.stale_events()),
        models_(conns + 1) {}

  // The first disagreement, or empty.
  const std::string& error() const { return error_; }
  Conn& conn(std::size_t index) { return conns_[index]; }
  std::size_t size() const { return conns_.size(); }
  ReferenceDescriptor& model(const Conn& conn) {
    return models_[conn.desc->index()];
  }
  ThePoller& poller() { return poller_; }
  // The system may refuse to open, leaving conn.desc null, or say an errno when
  // it closes.
  void set_may_fail(bool on) { may_fail_ = on; }
  std::uint64_t checks() const { return checks_; }

  // --- Life -----------------------------------------------------------------

  void Open(Conn& conn, Fd fd) {
    const auto opened = poller_.Open(fd);
    Expect(opened.error == 0 || may_fail_, "Open failed");
    if (opened.error != 0) return CheckAll();
    conn.fd = fd;
    conn.desc = opened.desc;
    conn.old_key = conn.key;
    conn.key = EventKey::ForSlot(opened.desc->index(), KeyGeneration(conn));
    Expect(keys_.insert(conn.key.bits()).second, "a key was used twice");
    if (models_.size() <= opened.desc->index()) {
      models_.resize(opened.desc->index() + 1);
    }
    model(conn).Open();
    CheckAll();
  }

  bool CanUnblock(const Conn& c) { return c.desc && !model(c).closing(); }
  void Unblock(Conn& conn) {
    PollResult result = poller_.Unblock(conn.desc);
    ExpectWoken(conn, model(conn).Unblock());
    Receive(result);
    CheckAll();
  }

  void Close(Conn& conn) {
    model(conn).Close();
    Expect(poller_.Close(conn.desc) == 0 || may_fail_, "Close failed");
    conn.desc = nullptr;
    CheckAll();
  }

  // --- The task of a direction ----------------------------------------------

  bool CanBegin(Conn& c, Mode direction) {
    return c.desc && c.task(direction).phase == Phase::kIdle;
  }

  PollError Reset(Conn& conn, Mode direction) {
    const PollError error = poller_.Reset(conn.desc, direction);
    Expect(error == model(conn).Reset(direction), "Reset: other result");
    CheckAll();
    return error;
  }

  void Prepare(Conn& conn, Mode direction, bool until_ready = false) {
    Task& task = conn.task(direction);
    task.until_ready = until_ready;
    const WaitStep wait = poller_.Prepare(conn.desc, direction, Kind(task));
    const Wait expected = model(conn).Prepare(direction, until_ready);
    ExpectSame("Prepare", wait, expected);
    if (!wait.ended) task.phase = Phase::kCommitting;
    CheckAll();
  }

  bool CanStep(Conn& c, Mode direction) {
    return c.desc && (c.task(direction).phase == Phase::kCommitting ||
                      c.task(direction).phase == Phase::kFinishing);
  }
  // Commit or Finish, whichever is next.
  void Step(Conn& conn, Mode direction) {
    Task& task = conn.task(direction);
    if (task.phase == Phase::kCommitting) {
      const bool parked = poller_.Commit(conn.desc, direction, &task);
      Expect(parked == model(conn).Commit(direction), "Commit: other result");
      task.phase = parked ? Phase::kParked : Phase::kFinishing;
    } else {
      const WaitStep wait = poller_.Finish(conn.desc, direction, Kind(task));
      ExpectSame("Finish", wait,
                 model(conn).Finish(direction, task.until_ready));
      task.phase = Phase::kIdle;
    }
    CheckAll();
  }

  // --- Time and events ------------------------------------------------------

  void SetDeadline(Conn& conn, Mode mode, When when) {
    const bool read = (static_cast<unsigned>(mode) & 1) != 0;
    const bool write = (static_cast<unsigned>(mode) & 2) != 0;
    const std::int64_t at = TimeOf(when);
    Deadline deadline = Deadline::At(at);
    if (when == When::kNone) deadline = Deadline::None();
    if (when == When::kPast) deadline = Deadline::Past();
    DeadlineResult result = poller_.SetDeadline(conn.desc, mode, deadline);
    ExpectWoken(conn, when == When::kPast
                          ? model(conn).PassDeadline(read, write)
                          : model(conn).SetDeadline(read, write, at));
    Receive(result.wake);
    CheckAll();
  }

  void Advance(std::int64_t nanos) {
    now_ += nanos;
    poller_.backend().reports.clear();
    PollResult result = poller_.ExpireTimers(now_).wake;
    for (const Report& report : poller_.backend().reports) Follow(report);
    for (Conn& conn : conns_) {
      if (conn.desc) ExpectWoken(conn, model(conn).Expire(now_));
    }
    Receive(result);
    CheckAll();
  }

  // The number of events that were reported.
  std::size_t Poll(Delta delta = Delta::NonBlocking()) {
    PollResult result = poller_.Poll(delta);
    for (const Report& report : poller_.backend().reports) Follow(report);
    Receive(result);
    CheckAll();
    return poller_.backend().reports.size();
  }

  // Ends all that goes on with a descriptor, and closes it.
  void End(Conn& conn) {
    if (CanUnblock(conn)) Unblock(conn);
    for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
      RunOut(conn, direction);
    }
    Close(conn);
  }

 private:
  static WaitKind Kind(const Task& task) {
    return task.until_ready ? WaitKind::kUntilReady : WaitKind::kOrError;
  }
  static std::uint32_t KeyGeneration(const Conn& conn) {
    return conn.desc->generation();
  }

  std::int64_t TimeOf(When when) const {
    if (when == When::kSoon) return now_ + kSoon;
    if (when == When::kLater) return now_ + kLater;
    return ReferenceDescriptor::kNever;
  }

  void Expect(bool holds, const char* what) {
    ++checks_;
    if (!holds && error_.empty()) error_ = what;
  }
  void ExpectSame(const char* call, WaitStep got, Wait expected) {
    ++checks_;
    if (got.ended != expected.park &&
        (!got.ended || got.error == expected.error)) {
      return;
    }
    if (error_.empty()) error_ = std::string(call) + ": other result";
  }

  // A task may only leave a wait that ignores errors by readiness.
  void RunOut(Conn& conn, Mode direction) {
    for (int i = 0; i < 4 && !conn.idle(); ++i) {
      Task& task = conn.task(direction);
      if (task.phase == Phase::kParked) {
        PollResult result;
        conn.desc->Ready(conn.key.generation(), direction, {}, result);
        Follow({conn.key, direction, {}});
        Receive(result);
      }
      if (CanStep(conn, direction)) Step(conn, direction);
    }
  }

  void Follow(const Report& report) {
    for (Conn& conn : conns_) {
      if (!conn.desc || conn.key != report.key) continue;
      const unsigned mode = static_cast<unsigned>(report.mode);
      ExpectWoken(conn, model(conn).Happens((mode & 1) != 0, (mode & 2) != 0,
                                            report.flags));
      return;
    }
    ++stale_;
  }

  void ExpectWoken(Conn& conn, Woken woken) {
    if (woken.read) ExpectWoken(conn.task(Mode::kRead));
    if (woken.write) ExpectWoken(conn.task(Mode::kWrite));
  }
  void ExpectWoken(Task& task) {
    Expect(task.phase == Phase::kParked, "the model woke a task not parked");
    task.phase = Phase::kFinishing;
    expected_.insert(&task);
  }

  // Makes the waiters of a result runnable, then applies the delta.
  void Receive(PollResult& result) {
    std::int32_t length = 0;
    while (Waiter* const waiter = result.ready.Pop()) {
      ++length;
      Expect(expected_.erase(waiter) == 1, "woke a task that must sleep");
    }
    Expect(expected_.empty(), "a task that must wake sleeps");
    expected_.clear();
    Expect(length == -result.waiters_delta, "the delta is not the length");
    poller_.AdjustWaiters(result.waiters_delta);
  }

  void CheckAll() {
    std::int32_t parked = 0;
    std::int64_t next = ReferenceDescriptor::kNever;
    for (Conn& conn : conns_) {
      if (!conn.desc) continue;
      const ReferenceDescriptor& expected = model(conn);
      Expect(!expected.misuse(), "the model was misused");
      parked += expected.parked();
      if (expected.NextDeadline() < next) next = expected.NextDeadline();
      CheckSlot(conn, Mode::kRead);
      CheckSlot(conn, Mode::kWrite);
      CheckStatus(conn, expected);
    }
    Expect(poller_.waiters() == parked, "the waiter count is wrong");
    Expect(poller_.NextDeadline() <= next, "the next deadline is too late");
    Expect(poller_.stale_events() == stale_, "the stale count is wrong");
  }

  void CheckSlot(Conn& conn, Mode direction) {
    const SemaphoreWord word = conn.desc->semaphore_word(direction);
    SemaphoreWord expected = 0;
    switch (model(conn).Get(direction).state) {
      case State::kNil:
        break;
      case State::kReady:
        expected = 1;
        break;
      case State::kWait:
        expected = 2;
        break;
      case State::kParked:
        expected = reinterpret_cast<SemaphoreWord>(
            static_cast<Waiter*>(&conn.task(direction)));
        break;
    }
    Expect(word == expected, "a semaphore is in another state");
  }

  void CheckStatus(Conn& conn, const ReferenceDescriptor& expected) {
    const StatusWord word = conn.desc->status_word();
    const auto same = [word](StatusWord bit, bool set) {
      return ((word & bit) != 0) == set;
    };
    Expect(same(status::kClosing, expected.closing()) &&
               same(status::kErrorStays,
                    expected.errors() == ReferenceDescriptor::kErrorReports) &&
               (word & status::kErrorCount) / status::kOneError ==
                   static_cast<StatusWord>(std::min(expected.errors(), 7)) &&
               same(status::kNoMoreEdges, expected.no_more_edges()) &&
               same(status::kReadExpired, expected.Get(Mode::kRead).expired) &&
               same(status::kWriteExpired, expected.Get(Mode::kWrite).expired),
           "the status word differs");
    Expect(conn.desc->generation() == conn.key.generation(),
           "the generation changed while open");
  }

  ThePoller& poller_;
  std::vector<Conn> conns_;
  std::uint64_t stale_;
  std::vector<ReferenceDescriptor> models_;  // By slot index.
  std::set<Waiter*> expected_;
  std::set<std::uint64_t> keys_;
  std::string error_;
  std::int64_t now_ = 1000;
  std::uint64_t checks_ = 0;
  bool may_fail_ = false;
};

}  // namespace netpoll::model::reference

#endif  // NETPOLL_MODEL_REFERENCE_LOCKSTEP_H_
