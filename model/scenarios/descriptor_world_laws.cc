// SPDX-License-Identifier: Apache-2.0
//
// The world's properties, each by the name that the documentation gives it.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "netpoll/model/reference/status_table.h"
#include "netpoll/model/scenarios/descriptor_world.h"
#include "netpoll/model/spec.h"

namespace netpoll::model {
namespace {

// "open r@9 w- timer@5": the deadlines, and when the timer is due.
std::string ShowDescState(const DescState& state) {
  std::string text = state.closing ? "closing" : "open";
  const auto add = [&text](const char* name, std::int64_t one) {
    text += name + (one == 0  ? std::string("-")
                    : one < 0 ? std::string("past")
                              : "@" + std::to_string(one));
  };
  add(" r", state.read);
  add(" w", state.write);
  if (state.due != kNever) add(" timer", state.due);
  return text;
}

bool ExpiresIn(const DescState& before, const DescState& next, Mode direction) {
  return direction == Mode::kRead ? before.read > 0 && next.read < 0
                                  : before.write > 0 && next.write < 0;
}

// Of a status word, what a user takes note of: all flags but the count.
constexpr StatusWord kNotedFlags =
    reference::kClosing | reference::kErrorStays | reference::kReadExpired |
    reference::kWriteExpired | reference::kNoMoreEdges;

bool Expired(StatusWord status, Mode direction) {
  return (status & (direction == Mode::kRead ? reference::kReadExpired
                                             : reference::kWriteExpired)) != 0;
}

}  // namespace

void DescriptorWorld::FindObjects() {
  const auto find = [this](const char* site, const char* name, Role role) {
    Object* const object = ObjectAt(site);
    object->name = name;
    ParkingLaws::SetRole(*object, role);
    return object;
  };
  desc_->semaphore_word(Mode::kRead);
  slots_[0] = static_cast<ObjectOf<SemaphoreWord>*>(
      find("inspect.word", "rg", Role::kSemaphore));
  desc_->semaphore_word(Mode::kWrite);
  slots_[1] = static_cast<ObjectOf<SemaphoreWord>*>(
      find("inspect.word", "wg", Role::kSemaphore));
  desc_->status_word();
  status_ = static_cast<ObjectOf<StatusWord>*>(
      find("inspect.status", "status", Role::kStatus));
  count_ = static_cast<ObjectOf<std::int32_t>*>(
      find("waiters.load", "waiters", Role::kCount));
  lock_ = find("open.lock", "lock", Role::kOther);
  for (Object* object : objects()) {
    if (auto* state = dynamic_cast<ObjectOf<DescState>*>(object)) {
      state_ = state;
      state_->name = "state";
      state_->show = ShowDescState;
    }
    if (auto* timer = dynamic_cast<ObjectOf<ModelTimer>*>(object)) {
      timer_ = timer;
    }
  }
}

const char* DescriptorWorld::Refines(const Access& access, Value from,
                                     Value to) {
  const Object* const object = access.object;
  if (RoleOf(*object) == Role::kSemaphore &&
      !SemMayMove(access.site, object->Bits(from), object->Bits(to))) {
    return IsEvent(access.site, "cancel")
               ? "I4: refinement: a cancel moved the semaphore otherwise"
               : "refinement: the semaphore moved as its table does not say";
  }
  if (object == status_ &&
      !StatusMayMove(access.site, object->Bits(from), object->Bits(to))) {
    return "I14: refinement: the status word moved as its table does not say";
  }
  return nullptr;
}

const char* DescriptorWorld::Invariant(const View& view) {
  if (cast_.blocking &&
      std::count_if(pollers_.begin(), pollers_.end(), [&](int poller) {
        return std::strcmp(view.Next(poller).site, "kernel.wait") == 0;
      }) > 1) {
    return "D8: two threads are in a blocking poll";
  }
  if (view.Raw(*lock_) != 0) return nullptr;
  const DescState& state = view.Of(*state_);
  const StatusWord status = view.Of(*status_);
  const bool closing = (status & reference::kClosing) != 0;
  if (closing != state.closing) {
    return Of(status_,
              "I9: the status word and the field disagree about closing");
  }
  if (Expired(status, Mode::kRead) != (state.read < 0) ||
      Expired(status, Mode::kWrite) != (state.write < 0)) {
    return Of(status_,
              "I9: the status word and the fields disagree about a deadline");
  }
  return nullptr;
}

const char* DescriptorWorld::AtRest(const View& view) {
  if (cast_.unblock_twice && view.ended(closer_)) {
    return Of(closer_, status_, "I16: a second Unblock was not noticed");
  }
  if (cast_.no_unblock && view.ended(closer_)) {
    return Of(closer_, status_, "I16: a Close without Unblock was not noticed");
  }
  const char* law = AtRestOfStatus(view);
  if (law == nullptr) law = AtRestOfTasks(view);
  return law != nullptr ? law : AtRestOfTimers(view);
}

const char* DescriptorWorld::AtRestOfStatus(const View& view) {
  const StatusWord status = view.Of(*status_);
  const Kernel& kernel = view.Of(kernel_);
  const DescState& state = view.Of(*state_);
  // Two polls may apply their reports in either order; readers forget what was
  // reported before their calls.
  const int errors = std::min<int>(kernel.errors, reference::kErrorReports);
  if (kernel.registered && cast_.pollers == 1 &&
      (reference::ErrorsIn(status) > errors ||
       (!HasReader() && reference::ErrorsIn(status) != errors))) {
    return Of(
        status_,
        "I10: the status word does not say how many errors were reported");
  }
  if (kernel.registered &&
      kernel.no_more != ((status & reference::kNoMoreEdges) != 0)) {
    return Of(
        status_,
        "D11: whether more edges come is not what this life's events said");
  }
  if ((!HasDeadline(Mode::kRead) && Expired(status, Mode::kRead)) ||
      (!HasDeadline(Mode::kWrite) && Expired(status, Mode::kWrite))) {
    return Of(status_,
              "I14: a direction has expired that nobody gave a deadline");
  }
  // One setter, at its end: what it said last counts.
  if (cast_.setters.size() == 1 && view.ended(setter_) && !state.closing) {
    const DeadlineMove& last = cast_.setters[0].back();
    if (last.deadline.none() &&
        ((Has(last.mode, Mode::kRead) && state.read != 0) ||
         (Has(last.mode, Mode::kWrite) && state.write != 0))) {
      return Of(state_, "I14: a deadline was cleared, and is there");
    }
  }
  return nullptr;
}

const char* DescriptorWorld::AtRestOfTasks(const View& view) {
  const StatusWord status = view.Of(*status_);
  const Kernel& kernel = view.Of(kernel_);
  std::int32_t parked = 0;
  for (const UserInfo& user : users_info_) {
    if (!view.parked(user.thread)) continue;
    ++parked;
    const bool read = user.direction == Mode::kRead;
    if (kernel.registered && (read ? kernel.unread : kernel.room) != 0 &&
        (kernel.pending & static_cast<int>(user.direction)) == 0) {
      return Of(user.thread, &kernel_,
                "L1: a task is parked although its direction is ready");
    }
    if (user.kind == WaitKind::kUntilReady) continue;
    if ((status & reference::kClosing) != 0) {
      return Of(user.thread, status_,
                "L2: a task is parked on a closing descriptor");
    }
    if (Expired(status, user.direction)) {
      return Of(user.thread, status_,
                "L2: a task is parked although its deadline has passed");
    }
    if (read && (status & reference::kErrorStays) != 0) {
      return Of(
          user.thread, status_,
          "I10: a reader is parked although the descriptor keeps reporting "
          "errors");
    }
  }
  if (view.Of(*count_) != parked) {
    return Of(count_,
              "I6: at rest the waiter count is not the number of parked tasks");
  }
  return nullptr;
}

const char* DescriptorWorld::AtRestOfTimers(const View& view) {
  const DescState& state = view.Of(*state_);
  const ModelTimer& timer = view.Of(*timer_);
  for (const std::int64_t deadline : {state.read, state.write}) {
    if (deadline <= 0 || state.closing) continue;
    if (!timer.waits || timer.when > deadline || timer.when != state.due) {
      return Of(state_, "I13: a deadline is set and no timer serves it");
    }
  }
  if (state.closing && timer.waits) {
    return Of(timer_, "I12: a closed descriptor still has a timer");
  }
  return nullptr;
}

bool DescriptorWorld::HasReader() const {
  return std::any_of(
      users_info_.begin(), users_info_.end(),
      [](const UserInfo& user) { return user.direction == Mode::kRead; });
}

// Whether anybody in this story ever sets a deadline for the direction.
bool DescriptorWorld::HasDeadline(Mode direction) const {
  if (Has(cast_.second_mode, direction) && cast_.second_deadline != 0) {
    return true;
  }
  if (direction == Mode::kRead && cast_.first_deadline != 0) return true;
  for (const auto& moves : cast_.setters) {
    for (const DeadlineMove& move : moves) {
      if (Has(move.mode, direction)) return true;
    }
  }
  return false;
}

// Whether the first deadline of the only setter is the first of all.
bool DescriptorWorld::OnlyDeadlines() const {
  return cast_.setters.size() == 1 && cast_.closers == 0 &&
         cast_.first_deadline == 0;
}

bool DescriptorWorld::Watches(const Access& access) {
  if (access.object == state_) return access.op == Op::kSet;
  if (access.object != status_) return false;
  return IsEvent(access.site, "open") ||
         (IsEvent(access.site, "deadline") && access.op == Op::kCas);
}

// What a thread's own history forbids.
const char* DescriptorWorld::Observed(int thread, const Access& access,
                                      Value response, Ghost& ghost) {
  // A slot was let go of before: it is there.
  if (std::strcmp(access.site, "pool.carve") == 0) {
    return "S9: the pool lost the slot, nobody gave it back";
  }
  const char* law = nullptr;
  if (thread == closer_) {
    auto note = ghost.note.As<CloserNote>();
    law = ObservedByCloser(access, response, note);
    ghost.note = note;
  } else if (HasInHand(thread)) {
    auto in_hand = ghost.note.As<InHand>();
    if (in_hand.what == InHand::What::kEvent) {
      law = ObservedEvent(access, response, in_hand);
      ghost.note = in_hand;
    }
  }
  for (const UserInfo& user : users_info_) {
    if (user.thread != thread || user.kind == WaitKind::kUntilReady) continue;
    auto note = ghost.note.As<UserNote>();
    law = ObservedByUser(user, access, response, note);
    ghost.note = note;
  }
  return law;
}

const char* DescriptorWorld::ObservedByCloser(const Access& access,
                                              Value response,
                                              CloserNote& note) {
  if (note.somebody_waits && access.op != Op::kRelease) {
    return "I16: a descriptor was closed under a waiting task";
  }
  for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
    const auto bit = static_cast<std::uint8_t>(direction);
    if (access.object != slots_[direction == Mode::kRead ? 0 : 1]) continue;
    if (IsEvent(access.site, "close")) {
      if (access.object->Bits(response) > 1) note.somebody_waits = true;
      if (cast_.looks_at_both) note.looked_at |= bit;
    }
    if (IsEvent(access.site, "open")) note.cleared |= bit;
  }
  if (cast_.looks_at_both && access.object == &kernel_ &&
      IsEvent(access.site, "kernel") && note.looked_at != kBothWords) {
    return "I16: a descriptor was closed without a look at both words";
  }
  if (access.object == status_ && IsEvent(access.site, "open") &&
      access.op == Op::kCas && response == 1) {
    if (note.cleared != kBothWords) {
      return "I17: a new incarnation begins with an old semaphore";
    }
    note.cleared = 0;
  }
  return nullptr;
}

const char* DescriptorWorld::ObservedEvent(const Access& access, Value response,
                                           InHand& event) {
  if (!IsEvent(access.site, "ready")) return nullptr;
  if (access.object == status_ && access.op == Op::kLoad) {
    event.stale =
        status_->Bits(response) >> reference::kGenerationShift != event.id;
    return nullptr;
  }
  return event.stale
             ? Of(status_, "I11: an event of an earlier incarnation was let in")
             : nullptr;
}

const char* DescriptorWorld::ObservedByUser(const UserInfo& user,
                                            const Access& access,
                                            Value response, UserNote& note) {
  const bool at_word = RoleOf(*access.object) == Role::kSemaphore;
  if (access.object == status_ && access.op == Op::kLoad &&
      !IsEvent(access.site, "reset")) {
    note.status =
        static_cast<std::uint8_t>(status_->Bits(response) & kNotedFlags);
    note.looked = true;
  }
  if (cast_.ready_first && at_word) {
    if (IsEvent(access.site, "prepare")) note.announced = true;
    if (IsEvent(access.site, "finish")) note.announced = false;
  }
  if (IsEvent(access.site, "reset") && !note.looked) {
    return "I14: Reset did not look whether the descriptor has an error";
  }
  if (std::strcmp(access.site, "prepare.recheck") == 0) {
    note.recheck_failed =
        reference::ErrorOf(status_->Bits(response), user.direction) !=
        PollError::kNone;
  } else if (IsEvent(access.site, "prepare")) {
    note.recheck_failed = false;
  } else if (at_word && IsEvent(access.site, "commit") &&
             access.op == Op::kCas && response == 1 && note.recheck_failed) {
    return Of(user.thread, status_,
              "I8: a task parked although it had seen an error");
  }
  return nullptr;
}

// What a timer does to the fields.
const char* DescriptorWorld::ByTimer(const View& view, int clock,
                                     const DescState& next) {
  const DescState& before = view.Of(*state_);
  const auto fired = view.note(clock).As<InHand>();
  for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
    if (!ExpiresIn(before, next, direction)) continue;
    if ((direction == Mode::kRead ? before.read : before.write) > fired.id) {
      return Of(clock, state_, "I12: a deadline ended before its time");
    }
    if ((view.Of(kernel_).in_time & static_cast<int>(direction)) != 0) {
      return Of(clock, &kernel_,
                "L8: a deadline was believed and its descriptor not asked");
    }
  }
  return nullptr;
}

// What the status word may not be told, seen with the whole state at hand.
const char* DescriptorWorld::BeforeStep(const View& view, int thread,
                                        const Access& access) {
  if (IsClock(thread) && access.object == state_)
    return ByTimer(view, thread, state_->kept(access.a));
  if (IsEvent(access.site, "deadline") && access.op == Op::kCas &&
      (view.Of(*status_) & reference::kClosing) != 0) {
    return Of(thread, status_, "I21: a deadline was set after closing");
  }
  if (SetsLate(view, thread, access)) {
    return Of(thread, state_,
              "I21: a deadline of the last incarnation was set in this one");
  }
  if (IsEvent(access.site, "open") && access.object == status_) {
    const DescState& state = view.Of(*state_);
    if (state.closing || state.read != 0 || state.write != 0 ||
        state.due != kNever || state.armed)
      return Of(thread, state_,
                "I17: a new incarnation begins with old fields");
  }
  return nullptr;
}

}  // namespace netpoll::model
