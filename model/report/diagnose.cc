// SPDX-License-Identifier: Apache-2.0
//
// One sentence about a story: which property, who was lost, between which two
// steps. A loss is a decision made on something that somebody else changed
// before it took effect; those are the two steps that are looked for.

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "netpoll/model/report/story.h"

namespace netpoll::model {
namespace {

const std::string& Who(const Story& story, const Moment& moment) {
  return story.threads[moment.thread];
}

// "step 7 (closer, unblock.status: status gen1 -> gen1+closing)"
std::string Point(const Story& story, const Moment& moment) {
  std::string text = "step " + std::to_string(moment.step) + " (" +
                     Who(story, moment) + ", " + moment.site;
  if (moment.changed) {
    text += ": " + moment.object + " " + moment.before + " -> " + moment.after;
  } else if (!moment.object.empty()) {
    text += ": " + moment.object + " is " + moment.after;
  }
  return text + ")";
}

struct Window {
  const Moment* from = nullptr;
  const Moment* to = nullptr;
};

// A store over what somebody else had put there since the storing thread last
// looked: the last one of the story.
Window Overwritten(const Story& story) {
  Window window;
  for (const Moment& store : story.moments) {
    if (store.operation != "store" || !store.changed) continue;
    const Moment* seen = nullptr;
    const Moment* changed = nullptr;
    for (const Moment& moment : story.moments) {
      if (&moment == &store) break;
      if (moment.object_index != store.object_index) continue;
      if (moment.thread == store.thread && moment.looked) seen = &moment;
      if (moment.thread != store.thread && moment.changed) changed = &moment;
    }
    if (seen == nullptr || changed == nullptr || changed < seen) continue;
    window = {changed, &store};
  }
  return window;
}

// The thread's last own step, and the moment before it at which the ground
// moved: somebody changed what the thread had looked at, and the thread did not
// look again.
Window StaleDecision(const Story& story, int thread) {
  Window window;
  for (const Moment& moment : story.moments) {
    if (moment.thread == thread && moment.changed) window.to = &moment;
  }
  if (window.to == nullptr) return window;
  std::vector<int> seen_again;
  for (const Moment* at = window.to; at != story.moments.data();) {
    --at;
    if (at->object_index < 0) continue;
    const bool again =
        std::count(seen_again.begin(), seen_again.end(), at->object_index) != 0;
    if (at->thread == thread) {
      if (at->looked) seen_again.push_back(at->object_index);
      continue;
    }
    if (!at->changed || again) continue;
    // Changed by another, unseen from there on: had it been seen before?
    for (const Moment* old = at; old != story.moments.data();) {
      --old;
      if (old->thread == thread && old->looked &&
          old->object_index == at->object_index) {
        window.from = at;
        return window;
      }
    }
  }
  return window;
}

// The thread's last own step, and what somebody else changed after it that the
// thread had looked at: too late for the thread to see.
Window TooLate(const Story& story, int thread) {
  Window window;
  std::vector<int> seen;
  for (const Moment& moment : story.moments) {
    if (moment.thread != thread || moment.object_index < 0) continue;
    if (moment.looked) seen.push_back(moment.object_index);
    window.from = &moment;
  }
  if (window.from == nullptr) return window;
  const Moment* touched = nullptr;
  for (const Moment& moment : story.moments) {
    if (&moment <= window.from || moment.thread == thread) continue;
    if (moment.object_index >= 0) touched = &moment;
    const bool known =
        std::count(seen.begin(), seen.end(), moment.object_index) != 0;
    if (moment.changed && known) window.to = &moment;
  }
  if (window.to == nullptr) window.to = touched;
  return window;
}

// Where the last step's object was changed by somebody else before.
Window LastConflict(const Story& story) {
  Window window;
  const Moment& last = story.moments.back();
  window.to = &last;
  for (const Moment& moment : story.moments) {
    if (&moment == &last || moment.object_index != last.object_index) continue;
    if (moment.thread != last.thread && (moment.changed || last.changed)) {
      window.from = &moment;
    }
  }
  if (window.from != nullptr) return window;
  for (const Moment& moment : story.moments) {
    if (moment.thread != last.thread && &moment != &last) window.from = &moment;
  }
  return window;
}

// Threads that are parked for ever, or else blocked.
std::vector<int> Stuck(const Story& story) {
  std::vector<int> stuck;
  if (!story.at_rest) return stuck;
  const auto& stands = story.moments.back().stands;
  for (const Stand wanted : {Stand::kParked, Stand::kBlocked}) {
    if (!stuck.empty()) break;
    for (std::size_t i = 0; i < stands.size(); ++i) {
      if (stands[i] == wanted) stuck.push_back(static_cast<int>(i));
    }
  }
  return stuck;
}

// Where a thread that is stuck was lost; nowhere if it may wait rightly.
Window LostBetween(const Story& story, int thread) {
  Window window = StaleDecision(story, thread);
  return window.from != nullptr ? window : TooLate(story, thread);
}

// Laws of what is at rest that speak of a word or a field, and not of a task.
// Whoever is parked then is parked rightly; who changed the word last is it.
struct Blame {
  std::string_view law;
  std::string_view objects;  // How their names begin.
};
constexpr Blame kBlames[] = {
    {"I6: at rest", "waiters"}, {"I10: the status", "status"},
    {"D11: ", "status"},        {"I12: a closed", "timer."},
    {"I13: ", "state"},         {"I14: a d", "state"},
    {"S9: at rest", "open"},
};

// Empty if the law is about a task.
Window LastChange(const Story& story) {
  Window window;
  for (const Blame& blame : kBlames) {
    if (!story.violation.starts_with(blame.law)) continue;
    for (const Moment& moment : story.moments) {
      if (moment.changed && moment.object.starts_with(blame.objects)) {
        window.to = &moment;
      }
    }
  }
  return window;
}

std::string Between(const Story& story, const Window& window) {
  if (window.to == nullptr) return "";
  if (window.from == nullptr) return "at " + Point(story, *window.to);
  return "between " + Point(story, *window.from) + " and " +
         Point(story, *window.to);
}

// Who goes round, and who waits meanwhile.
std::string Around(const Story& story) {
  std::vector<bool> moves(story.threads.size(), false);
  for (std::size_t i = static_cast<std::size_t>(story.cycle);
       i < story.schedule.size(); ++i) {
    moves[story.schedule[i].thread] = true;
  }
  std::string text = ": from step " + std::to_string(story.cycle + 1) +
                     " on it goes round and round, by";
  for (std::size_t i = 0; i < moves.size(); ++i) {
    if (moves[i]) text += " " + story.threads[i];
  }
  for (std::size_t i = 0; i < moves.size(); ++i) {
    const Stand stand = story.moments.back().stands[i];
    if (moves[i] || (stand != Stand::kParked && stand != Stand::kBlocked)) {
      continue;
    }
    text +=
        "; " + story.threads[i] +
        (stand == Stand::kParked ? " stays parked at " : " stays blocked at ") +
        story.next[i];
  }
  return text;
}

}  // namespace

Diagnosis Diagnose(const Story& story) {
  const auto say = [](std::string sentence) {
    Diagnosis diagnosis;
    diagnosis.sentence = std::move(sentence);
    return diagnosis;
  };
  if (story.stuck_at != 0) {
    return say("step " + std::to_string(story.stuck_at) +
               " of the schedule cannot be taken: " + story.stuck_why);
  }
  if (!story.broken()) {
    return say("no property was broken in " +
               std::to_string(story.schedule.size()) + " steps");
  }
  if (story.moments.empty()) return say(story.violation);
  if (story.cycle >= 0) return say(story.violation + Around(story));
  Diagnosis diagnosis;
  Window window = LastChange(story);
  const std::vector<int> stuck =
      window.to == nullptr ? Stuck(story) : std::vector<int>();
  if (window.to != nullptr) {
    diagnosis.sentence =
        story.violation + ": it went wrong " + Between(story, window);
  } else if (!stuck.empty()) {
    diagnosis.lost = stuck[0];
    window = Overwritten(story);
    for (const int thread : stuck) {
      if (window.to != nullptr) break;
      window = LostBetween(story, thread);
      if (window.to != nullptr) diagnosis.lost = thread;
    }
    const bool parked =
        story.moments.back().stands[diagnosis.lost] == Stand::kParked;
    diagnosis.sentence = story.violation + ": " +
                         story.threads[diagnosis.lost] + " is " +
                         (parked ? "parked" : "blocked") + " for ever";
    if (window.to != nullptr) {
      diagnosis.sentence += "; it was lost " + Between(story, window);
    }
  } else {
    window = LastConflict(story);
    diagnosis.sentence =
        story.violation + ": it went wrong " + Between(story, window);
    const int last = story.moments.back().thread;
    if (!story.next[last].empty()) {
      diagnosis.sentence +=
          "; " + story.threads[last] + " goes on at " + story.next[last];
    }
  }
  if (window.from != nullptr) diagnosis.from = window.from->step;
  if (window.to != nullptr) diagnosis.to = window.to->step;
  return diagnosis;
}

}  // namespace netpoll::model
