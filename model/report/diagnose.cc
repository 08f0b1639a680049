// SPDX-License-Identifier: Apache-2.0
//
// A story told shortly: what is said of every kind. A loss is a decision on
// something that somebody else changed before it took effect, and a look that
// nobody took afterwards: so whoever the law speaks of is asked what it saw
// last, who changed that, and where whoever changed it looked.

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "netpoll/model/report/diagnosis.h"
#include "netpoll/model/report/source.h"

namespace netpoll::model {
namespace {

// The site of every plain field.
constexpr char kField[] = "field";

Diagnosis Say(std::string sentence) {
  Diagnosis diagnosis;
  diagnosis.headline = std::move(sentence);
  diagnosis.sentence = diagnosis.headline;
  return diagnosis;
}

}  // namespace

std::string Written(const std::string& site) {
  const std::string_view place = PlaceOf(site);
  return place.empty() ? site : site + ", " + std::string(place);
}

std::string PlaceOfMoment(const Moment& moment) {
  return std::string(PlaceOf(moment.site));
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
      return " waits for ever at " + Written(story_.next[thread]);
    case Stand::kEnded:
      return " has ended";
    case Stand::kRuns:
    case Stand::kMay:
      break;
  }
  return " stands at " + Written(story_.next[thread]);
}

std::string Diagnoser::LastPlaceOf(int thread, const Moment* before) const {
  const Moment* const at = facts_.Last(before, [&](const Moment& moment) {
    return moment.thread == thread && !PlaceOf(moment.site).empty();
  });
  return at == nullptr ? "" : Written(at->site);
}

std::string Diagnoser::NextPlaceOf(int thread, const Moment* after) const {
  const Moment* const at = facts_.First(after, [&](const Moment& moment) {
    return moment.thread == thread && !PlaceOf(moment.site).empty();
  });
  if (at != nullptr) return Written(at->site);
  const std::string& next = story_.next[thread];
  return PlaceOf(next).empty() ? "" : Written(next);
}

std::string Diagnoser::Point(const Moment& moment) const {
  std::string text =
      "step " + std::to_string(moment.step) + " (" + Written(moment.site);
  if (moment.site == kField) {
    const std::string before = LastPlaceOf(moment.thread, &moment);
    const std::string next = NextPlaceOf(moment.thread, &moment);
    if (!before.empty()) {
      text += " after " + before;
    } else if (!next.empty()) {
      text += " before " + next;
    }
  }
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

Diagnosis Diagnoser::Finish() {
  std::stable_sort(
      told_.begin(), told_.end(),
      [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [step, text] : told_) out_.facts.push_back(text);
  if (!missing_.empty()) out_.facts.push_back(missing_);
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
    out_.lost = story_.task;
  }
  out_.headline += ": from step " + std::to_string(story_.cycle + 1) +
                   " on it goes round and round, by" + who;
  for (std::size_t i = 0; i < moves.size(); ++i) {
    const Stand stand = StandOf(static_cast<int>(i));
    if (moves[i] || (stand != Stand::kParked && stand != Stand::kBlocked)) {
      continue;
    }
    told_.emplace_back(0, story_.threads[i] +
                              (stand == Stand::kParked ? " stays parked at "
                                                       : " stays blocked at ") +
                              Written(story_.next[i]));
  }
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
