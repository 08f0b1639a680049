// SPDX-License-Identifier: Apache-2.0
//
// A value that is wrong in the end, and a step that must not be.

#include <algorithm>
#include <string>
#include <vector>

#include "netpoll/model/engine/object.h"
#include "netpoll/model/report/diagnosis.h"
#include "netpoll/model/report/source.h"

namespace netpoll::model {
namespace {

// Of a law of arithmetic, "... (now 5, by After of core/deadline.h)": whose
// answer it was, and where that is. Of any other nothing.
std::string WhoAnswered(const std::string& law) {
  const auto by = law.rfind(", by ");
  const auto of = law.find(" of ", by);
  if (by == law.npos || of == law.npos || law.back() != ')') return "";
  const std::string name = law.substr(by + 5, of - by - 5);
  const std::string file = law.substr(of + 4, law.size() - of - 5);
  return "the answer is that of " + name + ", " + PlaceOfFunction(file, name);
}

}  // namespace

void Diagnoser::OfAnObject() {
  const Moment* const last = facts_.Last(nullptr, [&](const Moment& moment) {
    return moment.object_index == story_.object && moment.changed;
  });
  if (last == nullptr) {
    out_.headline += ": " + story_.object_name + " is " + story_.object_value;
    missing_ = "nobody ever changed " + story_.object_name;
    return;
  }
  out_.headline += ": " + story_.object_name + " is " + story_.object_value;
  out_.task = last->thread;
  decided_ = last;
  const Facts::Stale stale = facts_.StaleAt(*last, -1);
  if (stale.changed != nullptr) {
    Looked(stale.looked);
    Changed(stale.changed);
  }
  const Moment* const before =
      facts_.LastChangeByOther(last->thread, story_.object, last);
  if (before != nullptr && before != stale.changed) {
    Add(before, Who(before) + " had changed " + before->object + " in " +
                    Point(*before));
  }
  Acted(last, "changed " + last->object + " last, in");
  missing_ = "nobody put it right after that";
  std::string parked;
  for (std::size_t i = 0; i < story_.threads.size(); ++i) {
    if (StandOf(static_cast<int>(i)) != Stand::kParked) continue;
    parked += (parked.empty() ? "" : ", ") + story_.threads[i];
  }
  missing_ += "; in the end " +
              (parked.empty() ? "nobody is parked" : "parked: " + parked);
}

void Diagnoser::OfAStep() {
  const Moment& last = story_.moments.back();
  const int doer = last.thread;
  const int task = story_.task >= 0 ? story_.task : doer;
  out_.task = task;
  const bool crash = story_.violation.starts_with("crash");
  out_.headline += ": " + Who(task);
  missing_ = WhoAnswered(story_.violation);
  if (!missing_.empty()) return;
  Acted(&last, crash ? "came to" : "went as far as");
  if (story_.violation.starts_with("race")) {
    Race(last);
  } else if (task != doer) {
    OfAnother(last, task);
  } else if (story_.task < 0 && story_.object >= 0) {
    OfAValueMeanwhile(last);
  } else if (story_.violation.starts_with("I6")) {
    OfACount(last);
  } else {
    OfItself(last);
  }
  if (crash) {
    missing_ = "and crashed before its next access";
  } else if (missing_.empty()) {
    WhereItCameFrom(last);
    if (!story_.next[doer].empty()) {
      missing_ = Who(doer) + " goes on at " + WhereNext(story_, doer);
    }
  }
}

// A step of the system's: which line of what ships came before it.
void Diagnoser::WhereItCameFrom(const Moment& last) {
  if (!PlaceOfMoment(last).starts_with("model/")) return;
  const auto ships = [&](const Moment& moment) {
    const std::string place = PlaceOfMoment(moment);
    return moment.thread == last.thread && !moment.object.empty() &&
           !place.empty() && !place.starts_with("model/");
  };
  const Moment* const before = facts_.Last(&last, ships);
  if (before == nullptr) return;
  for (const auto& [step, text] : told_) {
    if (step == before->step) return;
  }
  const Moment* const looked = facts_.First(before, [&](const Moment& moment) {
    return moment.thread == last.thread && moment.looked && &moment != &last;
  });
  Add(before,
      Who(before) + " came there from " + Point(*before) +
          (looked == nullptr ? ", and looked at nothing after that" : ""));
}

// What does not agree with what the step changed, or should have.
void Diagnoser::OfAValueMeanwhile(const Moment& last) {
  const Moment* const changed = facts_.Last(nullptr, [&](const Moment& moment) {
    return moment.object_index == story_.object && moment.changed;
  });
  if (changed == &last) {
    OfAChangeTooMany(last);
    return;
  }
  if (changed == nullptr) {
    missing_ = "nobody has changed " + story_.object_name + " so far";
  } else {
    Changed(changed);
    missing_ = "nobody has changed " + story_.object_name + " after step " +
               std::to_string(changed->step);
  }
  const Moment* const field = facts_.Last(nullptr, [&](const Moment& moment) {
    return moment.thread == last.thread && moment.changed &&
           moment.operation == Name(Op::kSet);
  });
  decided_ = &last;
  if (field != nullptr && field != &last && field != changed) {
    Add(field,
        Who(field) + " changed " + field->object + " in " + Point(*field));
  }
  missing_ += (missing_.empty() ? "" : "; ") + Who(last.thread) + " " +
              facts_.Locks(last.thread);
}

// The step itself changed it: who had before, by what the thread went, and at
// what else it had looked.
void Diagnoser::OfAChangeTooMany(const Moment& last) {
  const int doer = last.thread;
  decided_ = &last;
  const Moment* const before =
      facts_.LastChangeByOther(doer, last.object_index, &last);
  if (before != nullptr) Changed(before);
  const Moment* const own = facts_.Last(&last, [&](const Moment& moment) {
    return moment.thread == doer && moment.changed && !IsLocking(moment) &&
           moment.object_index != last.object_index &&
           !PlaceOfMoment(moment).starts_with("model/");
  });
  if (own != nullptr && !PlaceOfMoment(*own).empty()) {
    const Moment* const theirs =
        facts_.LastChangeByOther(doer, own->object_index, own);
    if (theirs != nullptr) Changed(theirs);
    Changed(own);
  }
  std::vector<std::string> others;
  bool locks = false;
  for (const Moment& moment : story_.moments) {
    locks = locks || IsLocking(moment);
    if (moment.thread != doer || !moment.looked || moment.object.empty() ||
        moment.object_index == last.object_index || IsLocking(moment) ||
        std::count(others.begin(), others.end(), moment.object) != 0) {
      continue;
    }
    others.push_back(moment.object);
  }
  missing_ = Who(doer) + " had looked at ";
  for (const std::string& other : others) {
    missing_ += other + (&other == &others.back() ? "" : ", ");
  }
  missing_ += others.empty() ? "nothing before" : ", and at nothing else";
  if (locks) missing_ += "; it " + facts_.Locks(doer);
}

void Diagnoser::Race(const Moment& last) {
  int other = -1;
  for (std::size_t i = 0; i < story_.next_object.size(); ++i) {
    if (static_cast<int>(i) == last.thread) continue;
    if (story_.next_object[i] == story_.object) other = static_cast<int>(i);
  }
  if (other < 0) return;
  const Moment* const before = facts_.Last(
      nullptr, [&](const Moment& moment) { return moment.thread == other; });
  missing_ = Who(other) + " is about to use " + story_.object_name +
             " too, at " + WhereNext(story_, other) +
             (before == nullptr ? "" : ", after " + Point(*before)) + "; " +
             Who(last.thread) + " " + facts_.Locks(last.thread) + ", " +
             Who(other) + " " + facts_.Locks(other);
}

// A task that is wronged by what somebody else does.
void Diagnoser::OfAnother(const Moment& last, int task) {
  const Moment* const slept = facts_.LastDeed(task);
  const Moment* const taken =
      slept == nullptr ? nullptr : facts_.TakenOut(*slept);
  if (slept != nullptr && slept != &last) {
    Add(slept,
        Who(task) + " last changed " + slept->object + " in " + Point(*slept));
  }
  if (taken != nullptr) {
    out_.taken = taken->step;
    out_.from = taken->step;
    Add(taken, Who(taken) + " took " + Who(task) + " out of " + taken->object +
                   " in " + Point(*taken));
    missing_ = story_.next[last.thread].empty()
                   ? Who(last.thread) + " ended and had not made " + Who(task) +
                         " runnable"
                   : "";
  }
  const Moment* const woken =
      facts_.First(taken != nullptr ? taken : slept, [&](const Moment& moment) {
        return moment.object == Who(task) + ".runnable" && moment.changed &&
               moment.thread != task && &moment != &last;
      });
  if (woken != nullptr) {
    out_.from = woken->step;
    missing_ = "";
    Add(woken, Who(woken) + " had made it runnable in " + Point(*woken));
  }
  if (StandOf(task) == Stand::kParked && taken == nullptr && slept != nullptr &&
      slept->after == "task:" + Who(task)) {
    missing_ = "nobody had taken " + Who(task) + " out of " + slept->object;
  } else if (StandOf(task) != Stand::kParked) {
    missing_ = Who(task) + HowItStands(task) + ", and is not parked";
  }
}

// A thread that breaks a law itself: what it acted on was no longer so, or it
// saw that and went on.
void Diagnoser::OfItself(const Moment& last) {
  const int doer = last.thread;
  const Facts::Stale stale = facts_.StaleAt(last, story_.object);
  const int object = story_.object >= 0         ? story_.object
                     : stale.changed != nullptr ? stale.changed->object_index
                                                : last.object_index;
  const Moment* const changed = facts_.LastChangeByOther(doer, object, &last);
  if (changed == nullptr) {
    if (!last.changed || IsLocking(last)) {
      OfWhatOthersLeft(last, object);
    } else {
      OfWhatItWentBy(last);
    }
    return;
  }
  const Moment* const looked = facts_.LastLook(doer, object, &last);
  Changed(changed);
  if (looked != nullptr) Looked(looked);
  if (looked == nullptr && last.object_index != object) {
    missing_ = Who(doer) + " never looked at " + changed->object;
  } else if (looked != nullptr && looked < changed &&
             last.object_index != object) {
    missing_ = Who(doer) + " did not look again before step " +
               std::to_string(last.step);
  } else if (looked != nullptr && looked > changed && story_.object >= 0) {
    missing_ = Who(doer) + " saw that and went on all the same";
    decided_ = looked;
  }
  FieldBefore(last, object);
  // What the step itself met.
  const Moment* const met =
      facts_.LastChangeByOther(doer, last.object_index, &last);
  if (met != nullptr && met != changed && met->before != met->after) {
    Add(met, Who(met) + " changed " + met->object + " in " + Point(*met));
  }
}

// What the thread met was as it had left it: who should have changed it since.
void Diagnoser::OfWhatOthersLeft(const Moment& last, int object) {
  const auto mine = [&](const Moment& moment) {
    return moment.thread == last.thread;
  };
  const Moment* const own = facts_.Last(&last, [&](const Moment& moment) {
    return mine(moment) && moment.object_index == object && moment.changed;
  });
  if (own == nullptr || own->object.empty() || IsLocking(*own)) {
    OfWhatItDidLast(last);
    return;
  }
  Changed(own);
  decided_ = own;
  const Moment* const look = facts_.Last(&last, [&](const Moment& moment) {
    return !mine(moment) && moment.object_index == object && moment.looked;
  });
  if (look != nullptr && look > own) {
    Add(look, Who(look) + " looked at " + look->object + " in " + Point(*look) +
                  ", and left it");
    decided_ = look;
  }
  const Moment* const woken = facts_.Last(&last, [&](const Moment& moment) {
    return !mine(moment) && moment.changed &&
           moment.object == Who(last.thread) + ".runnable";
  });
  if (woken != nullptr && woken > own) {
    Add(woken, Who(woken) + " made " + Who(last.thread) + " runnable in " +
                   Point(*woken));
  }
  missing_ = "nobody changed " + own->object + " between that and step " +
             std::to_string(last.step);
}

// The step changed what nobody else touches: by what the thread took it, which
// is what it looked at last, and who had changed that.
void Diagnoser::OfWhatItWentBy(const Moment& last) {
  const Moment* const look = facts_.Last(&last, [&](const Moment& moment) {
    return moment.thread == last.thread && moment.looked && !moment.plain &&
           !moment.object.empty() &&
           !PlaceOfMoment(moment).starts_with("model/") &&
           !PlaceOfMoment(moment).empty();
  });
  if (look == nullptr) return;
  Looked(look);
  decided_ = look;
  const Moment* const changed =
      facts_.LastChangeByOther(last.thread, look->object_index, &last);
  if (changed != nullptr) Changed(changed);
}

// Nobody else had a part in it: what the thread left out comes after this.
void Diagnoser::OfWhatItDidLast(const Moment& last) {
  const Moment* const own = facts_.Last(&last, [&](const Moment& moment) {
    return moment.thread == last.thread && moment.changed &&
           !IsLocking(moment) && !moment.object.empty();
  });
  if (own == nullptr) return;
  Changed(own);
  decided_ = own;
  missing_ = Who(own) + " changed nothing more after that";
}

// A plain field, other than `object`, that the thread had written on the way to
// its last step: who had changed that, and what the thread did before then.
void Diagnoser::FieldBefore(const Moment& last, int object) {
  const Moment* const field = facts_.Last(&last, [&](const Moment& moment) {
    return moment.thread == last.thread && moment.changed &&
           moment.operation == Name(Op::kSet);
  });
  if (field == nullptr || field->object_index == object) return;
  const Moment* const theirs =
      facts_.LastChangeByOther(last.thread, field->object_index, field);
  if (theirs == nullptr) return;
  const Moment* const before = facts_.Last(theirs, [&](const Moment& moment) {
    return moment.thread == last.thread && moment.changed && !IsLocking(moment);
  });
  if (before == nullptr) return;
  for (const Moment* const at : {before, theirs, field}) {
    Add(at, Who(at) + " changed " + at->object + " in " + Point(*at));
  }
}

// What the thread added and did not take back.
void Diagnoser::OfACount(const Moment& last) {
  const Moment* const added = facts_.Last(nullptr, [&](const Moment& moment) {
    return moment.thread == last.thread && moment.operation == Name(Op::kAdd);
  });
  if (added == nullptr) {
    missing_ = Who(last.thread) + " has not changed the count at all";
    if (!story_.next[last.thread].empty()) {
      missing_ += ", and goes on at " + WhereNext(story_, last.thread);
    }
    return;
  }
  out_.from = added->step;
  Add(added, Who(added) + " last changed the count in " + Point(*added));
  if (story_.next[last.thread].empty()) {
    missing_ = Who(last.thread) + " has ended, and did not change it again";
  }
}

}  // namespace netpoll::model
