// SPDX-License-Identifier: Apache-2.0
//
// A story told shortly: what is said of every kind. A loss is a decision on
// something that somebody else changed before it took effect, and a look that
// nobody took afterwards: so whoever the law speaks of is asked what it saw
// last, who changed that, and where whoever changed it looked.

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "netpoll/model/engine/object.h"
#include "netpoll/model/report/diagnosis.h"
#include "netpoll/model/report/source.h"

namespace netpoll::model {
namespace {

Diagnosis Say(std::string sentence) {
  Diagnosis diagnosis;
  diagnosis.headline = std::move(sentence);
  diagnosis.sentence = diagnosis.headline;
  return diagnosis;
}

}  // namespace

namespace {

std::string Written(const std::string& site, const std::string& place) {
  return place.empty() ? site : site + ", " + place;
}

}  // namespace

std::string PlaceOfMoment(const Moment& moment) {
  if (!moment.place.empty()) return moment.place;
  return std::string(PlaceOf(moment.site));
}

std::string StatementOfMoment(const Moment& moment) {
  const std::string_view there = StatementAt(moment.place);
  return std::string(there.empty() ? StatementOf(moment.site) : there);
}

std::string Written(const Moment& moment) {
  return Written(moment.site, PlaceOfMoment(moment));
}

std::string WhereNext(const Story& story, int thread) {
  const auto at = static_cast<std::size_t>(thread);
  return Written(story.next[at], at < story.next_place.size()
                                     ? story.next_place[at]
                                     : std::string(PlaceOf(story.next[at])));
}

Diagnosis Diagnoser::Tell() {
  out_.headline = story_.violation;
  out_.task = story_.task;
  if (story_.moments.empty()) {
    out_.headline += ": it is so before the first step";
    if (story_.task >= 0) out_.headline += ", for " + Who(story_.task);
    if (story_.object >= 0) {
      out_.headline += ": " + story_.object_name + " is " + story_.object_value;
    }
  } else if (story_.cycle >= 0) {
    Around();
  } else if (!story_.at_rest) {
    OfAStep();
  } else if (story_.task >= 0) {
    OfWhoIsStuck(story_.task);
  } else if (story_.object >= 0) {
    OfAnObject();
  } else if (const int thread = MostStuck(); thread >= 0) {
    OfWhoIsStuck(thread);
  } else {
    OfAStep();
  }
  return Finish();
}

std::string Diagnoser::HowItStands(int thread) const {
  switch (StandOf(thread)) {
    case Stand::kParked:
      return " is parked for ever";
    case Stand::kBlocked:
      return " waits for ever at " + WhereNext(story_, thread);
    case Stand::kEnded:
      return " has ended";
    case Stand::kRuns:
    case Stand::kMay:
      break;
  }
  return " stands at " + WhereNext(story_, thread);
}

std::string Diagnoser::Point(const Moment& moment) const {
  std::string text =
      "step " + std::to_string(moment.step) + " (" + Written(moment);
  if (moment.changed && moment.before != moment.after) {
    text += ": " + moment.object + " " + moment.before + " -> " + moment.after;
  } else if (!moment.object.empty()) {
    text += ": " + moment.object + " is " + moment.after;
  }
  return text + ")";
}

void Diagnoser::Looked(const Moment* at) {
  out_.looked = at->step;
  Add(at, Who(at) + " last looked at " + at->object + " in " + Point(*at));
}

void Diagnoser::Changed(const Moment* at) {
  out_.changed = at->step;
  out_.from = at->step;
  Add(at, Who(at) + " changed " + at->object + " in " + Point(*at));
}

void Diagnoser::Acted(const Moment* at, const std::string& how) {
  out_.acted = at->step;
  out_.to = at->step;
  Add(at, Who(at) + " " + how + " " + Point(*at));
}

// The first moment of those in which the thread has had the lock that it holds
// at the deed; the deed itself if it holds none.
const Moment* Diagnoser::SectionOf(const Moment& deed) const {
  const Moment* const taken = facts_.Last(&deed, [&](const Moment& moment) {
    return moment.thread == deed.thread && IsLocking(moment) && moment.changed;
  });
  if (taken == nullptr || taken->operation == Name(Op::kRelease)) return &deed;
  return taken;
}

// The function stands in the statement of the deed; or, under a lock, in that
// of a field at which the thread has looked since it has the lock.
std::string Diagnoser::WhatDecided() const {
  if (decided_ == nullptr) return "";
  std::string function = PureFunctionIn(StatementOfMoment(*decided_));
  const Moment* look = nullptr;
  const Moment* const begun = SectionOf(*decided_);
  for (const Moment* at = decided_; at > begun; --at) {
    if (at->thread != decided_->thread || at->operation != Name(Op::kGet)) {
      continue;
    }
    const std::string there = PureFunctionIn(StatementOfMoment(*at));
    if (there.empty() || (!function.empty() && there != function)) continue;
    function = there;
    look = at;
    break;
  }
  if (function.empty()) return "";
  std::string text = Who(decided_) + "'s step " +
                     std::to_string(decided_->step) + " was decided by " +
                     function;
  if (look == nullptr) return text;
  return text + ", of " + look->object + " " + look->after + NoLonger(*look);
}

// What the last change by another took out of the value that was looked at.
std::string Diagnoser::NoLonger(const Moment& look) const {
  const Moment* const theirs =
      facts_.LastChangeByOther(look.thread, look.object_index, &look);
  if (theirs == nullptr) return "";
  const std::string now = " " + look.after + " ";
  std::istringstream before(theirs->before);
  std::string gone;
  for (std::string word; before >> word;) {
    if (now.find(" " + word + " ") != now.npos) continue;
    gone += (gone.empty() ? "" : ", ") + word;
  }
  if (gone.empty()) return "";
  return " (no longer " + gone + " since step " + std::to_string(theirs->step) +
         ")";
}

Diagnosis Diagnoser::Finish() {
  std::stable_sort(
      told_.begin(), told_.end(),
      [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [step, text] : told_) out_.facts.push_back(text);
  for (const std::string& last : {missing_, WhatDecided()}) {
    if (!last.empty()) out_.facts.push_back(last);
  }
  out_.sentence = out_.headline;
  for (const std::string& fact : out_.facts) out_.sentence += "; " + fact;
  return std::move(out_);
}

// Who goes round, and who waits meanwhile.
void Diagnoser::Around() {
  std::vector<bool> moves(story_.threads.size(), false);
  for (std::size_t i = static_cast<std::size_t>(story_.cycle);
       i < story_.schedule.size(); ++i) {
    moves[story_.schedule[i].thread] = true;
  }
  std::string who;
  for (std::size_t i = 0; i < moves.size(); ++i) {
    if (moves[i]) who += " " + story_.threads[i];
  }
  if (story_.task >= 0) {
    out_.headline += ": " + Who(story_.task) + HowItStands(story_.task);
    const Stand stand = StandOf(story_.task);
    if (stand == Stand::kParked || stand == Stand::kBlocked) {
      out_.lost = story_.task;
    }
  }
  out_.headline += ": from step " + std::to_string(story_.cycle + 1) +
                   " on it goes round and round, by" + who;
  for (std::size_t i = 0; i < moves.size(); ++i) {
    const Stand stand = StandOf(static_cast<int>(i));
    if (moves[i]) AroundBy(static_cast<int>(i));
    if (moves[i] || (stand != Stand::kParked && stand != Stand::kBlocked)) {
      continue;
    }
    told_.emplace_back(0, story_.threads[i] +
                              (stand == Stand::kParked ? " stays parked at "
                                                       : " stays blocked at ") +
                              WhereNext(story_, static_cast<int>(i)));
  }
}

// By what it goes round: the first of its steps there, and how many more.
void Diagnoser::AroundBy(int thread) {
  constexpr int kShown = 3;
  std::vector<std::string> seen;
  std::string text;
  int first = 0;
  for (const Moment& moment : story_.moments) {
    if (moment.thread != thread || moment.step <= story_.cycle) continue;
    const std::string written = Written(moment);
    if (std::count(seen.begin(), seen.end(), written) != 0) continue;
    seen.push_back(written);
    if (first == 0) first = moment.step;
    if (seen.size() > kShown) continue;
    text += (text.empty() ? " by step " : ", step ") +
            std::to_string(moment.step) + " (" + written + ")";
  }
  if (seen.size() > kShown) {
    text += ", and " + std::to_string(seen.size() - kShown) + " more";
  }
  told_.emplace_back(first, story_.threads[thread] + " goes round" + text);
}

Diagnosis Diagnose(const Story& story) {
  if (story.stuck_at != 0) {
    return Say("step " + std::to_string(story.stuck_at) +
               " of the schedule cannot be taken: " + story.stuck_why);
  }
  if (!story.broken()) {
    return Say("no property was broken in " +
               std::to_string(story.schedule.size()) + " steps");
  }
  return Diagnoser(story).Tell();
}

}  // namespace netpoll::model
