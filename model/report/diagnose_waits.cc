// SPDX-License-Identifier: Apache-2.0
//
// Somebody waits, and nobody will wake it.

#include <algorithm>
#include <string>
#include <vector>

#include "netpoll/model/report/diagnosis.h"

namespace netpoll::model {

// If no law names it: who was lost between two steps, of those that wait.
int Diagnoser::MostStuck() const {
  const auto& stands = story_.moments.back().stands;
  int first = -1;
  for (const Stand wanted : {Stand::kParked, Stand::kBlocked}) {
    for (std::size_t i = 0; i < stands.size(); ++i) {
      if (stands[i] != wanted) continue;
      const int thread = static_cast<int>(i);
      if (first < 0) first = thread;
      const Moment* const slept = facts_.LastDeed(thread);
      if (slept != nullptr && facts_.StaleAt(*slept, -1).looked != nullptr) {
        return thread;
      }
    }
    if (first >= 0) return first;
  }
  return first;
}

void Diagnoser::OfWhoIsStuck(int thread) {
  const bool stuck =
      StandOf(thread) == Stand::kParked || StandOf(thread) == Stand::kBlocked;
  if (stuck) out_.lost = thread;
  out_.task = thread;
  out_.headline += ": " + Who(thread) + HowItStands(thread);
  if (WaitsForALock(thread)) return;
  const Moment* const slept = facts_.LastDeed(thread);
  if (slept == nullptr) {
    OfWhoNeverDidAnything(thread);
    return;
  }
  const Moment* store = nullptr;
  const Facts::Stale over = facts_.Overwritten(&store);
  if (const Moment* const taken = facts_.TakenOut(*slept)) {
    Taken(*slept, *taken);
  } else if (store != nullptr && (store->object_index == slept->object_index ||
                                  store->object_index == story_.object)) {
    WroteOver(over, *store);
  } else {
    NobodyLooked(thread, *slept);
  }
}

bool Diagnoser::WaitsForALock(int thread) {
  if (StandOf(thread) != Stand::kBlocked) return false;
  const Moment* const holder =
      facts_.Holder(story_.next_object[static_cast<std::size_t>(thread)]);
  if (holder == nullptr) return false;
  out_.to = holder->step;
  Add(holder,
      Who(holder) + " took " + holder->object + " in " + Point(*holder));
  missing_ = Who(holder) + " never gave it back";
  return true;
}

void Diagnoser::OfWhoNeverDidAnything(int thread) {
  const Moment* const last = facts_.Last(
      nullptr, [&](const Moment& moment) { return moment.thread == thread; });
  if (last != nullptr) Acted(last, "went as far as");
  const Moment* const changed =
      story_.object < 0
          ? nullptr
          : facts_.LastChangeByOther(thread, story_.object, nullptr);
  missing_ = Who(thread) + " changed nothing by which others see it";
  if (changed == nullptr) return;
  Changed(changed);
  missing_ += "; nobody told " + Who(thread) + " after that";
}

// The wake was begun, and dropped.
void Diagnoser::Taken(const Moment& slept, const Moment& taken) {
  Acted(&slept, "went to sleep in");
  out_.taken = taken.step;
  decided_ = &taken;
  out_.from = slept.step;
  out_.to = taken.step;
  Add(&taken, Who(&taken) + " took " + Who(&slept) + " out of " + taken.object +
                  " in " + Point(taken));
  missing_ = "nobody made " + Who(&slept) +
             " runnable after that: " + Who(&taken) + HowItStands(taken.thread);
}

void Diagnoser::WroteOver(const Facts::Stale& stale, const Moment& store) {
  if (stale.looked != nullptr) Looked(stale.looked);
  if (stale.changed != nullptr) Changed(stale.changed);
  Acted(&store, "wrote over it in");
  decided_ = &store;
  missing_ = Who(&store) + " did not look again before it wrote";
}

// What should have told it was changed, by somebody who did not look where it
// is, or before it was there; and it did not look again either.
void Diagnoser::NobodyLooked(int thread, const Moment& slept) {
  const Moment* const changed = WhatItMissed(thread, slept);
  Acted(&slept, "went to sleep in");
  if (changed == nullptr) {
    missing_ = NotAfter(slept, &slept);
    return;
  }
  const int object = changed->object_index;
  const Moment* const looked = facts_.LastLook(thread, object, nullptr);
  // All that became of it since then: of many, the first and the last.
  std::vector<const Moment*> changes;
  for (const Moment& moment : story_.moments) {
    if (moment.thread == thread || moment.object_index != object ||
        !moment.changed || (looked != nullptr && &moment < looked)) {
      continue;
    }
    changes.push_back(&moment);
  }
  if (changes.empty()) changes.push_back(changed);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (i == 0 || i + 1 == changes.size()) Changed(changes[i]);
  }
  if (looked != nullptr && looked != &slept) Looked(looked);
  const bool elsewhere = slept.object_index != object;
  if (elsewhere) WhereTheyLooked(*changed, slept);
  if (looked != nullptr && looked > changed && looked < &slept) {
    missing_ = Who(thread) + " saw that and went to sleep all the same";
  } else if (looked == nullptr && changed < &slept) {
    missing_ = Who(thread) + " never looked at " + changed->object;
  } else {
    missing_ = "and nobody looked again: not " + Who(thread) + " at " +
               changed->object + " after that";
  }
  if (elsewhere) {
    missing_ += "; " + NotAfter(slept, std::max(changed, &slept));
  }
}

const Moment* Diagnoser::WhatItMissed(int thread, const Moment& slept) const {
  const Moment* const changed =
      story_.object >= 0
          ? facts_.LastChangeByOther(thread, story_.object, nullptr)
          : facts_.StaleAt(slept, -1).changed;
  return changed != nullptr ? changed : TooLate(thread, slept);
}

// What the thread had looked at, and somebody changed after it slept.
const Moment* Diagnoser::TooLate(int thread, const Moment& slept) const {
  const auto later = [&](const Moment& moment) {
    return &moment > &slept && moment.thread != thread && moment.changed &&
           !IsLocking(moment);
  };
  const Moment* const known = facts_.Last(nullptr, [&](const Moment& moment) {
    return later(moment) &&
           facts_.LastLook(thread, moment.object_index, nullptr) != nullptr;
  });
  return known != nullptr ? known : facts_.Last(nullptr, later);
}

// Whoever changed that should have looked where the other sleeps, afterwards.
void Diagnoser::WhereTheyLooked(const Moment& changed, const Moment& slept) {
  const Moment* const theirs =
      facts_.LastLook(changed.thread, slept.object_index, nullptr);
  if (theirs == nullptr) {
    decided_ = &changed;  // What else it was to do.
    Add(&changed, Who(&changed) + " never looked at " + slept.object);
    return;
  }
  Add(theirs, Who(theirs) + " last looked at " + theirs->object + " in " +
                  Point(*theirs) +
                  (theirs < &changed ? ", before it changed " + changed.object
                   : theirs < &slept ? ", before " + Who(&slept) + " was there"
                                     : ", and left it"));
}

// Who looked there after that, or that nobody did.
std::string Diagnoser::NotAfter(const Moment& slept,
                                const Moment* after) const {
  const Moment* const look = facts_.Last(nullptr, [&](const Moment& moment) {
    return moment.thread != slept.thread &&
           moment.object_index == slept.object_index && moment.looked;
  });
  if (look == nullptr || look < after) {
    return "nobody else looked at " + slept.object + " after step " +
           std::to_string(after->step);
  }
  return Who(look) + " was the last to look at " + slept.object + ", in " +
         Point(*look) + ", and woke nobody";
}

}  // namespace netpoll::model
