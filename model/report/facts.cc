// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/facts.h"

#include <algorithm>
#include <map>

#include "netpoll/model/engine/object.h"

namespace netpoll::model {

bool IsLocking(const Moment& moment) {
  return moment.operation == Name(Op::kAcquire) ||
         moment.operation == Name(Op::kTryAcquire) ||
         moment.operation == Name(Op::kRelease);
}

const Moment* Facts::LastLook(int thread, int object,
                              const Moment* before) const {
  return Last(before, [&](const Moment& moment) {
    return moment.thread == thread && moment.object_index == object &&
           moment.looked;
  });
}

const Moment* Facts::LastChangeByOther(int thread, int object,
                                       const Moment* before) const {
  return Last(before, [&](const Moment& moment) {
    return moment.thread != thread && moment.object_index == object &&
           moment.changed;
  });
}

const Moment* Facts::LastDeed(int thread) const {
  return Last(nullptr, [&](const Moment& moment) {
    return moment.thread == thread && moment.changed && !IsLocking(moment);
  });
}

const Moment* Facts::TakenOut(const Moment& parked) const {
  const std::string task = "task:" + story_.threads[parked.thread];
  if (parked.after != task) return nullptr;
  return First(&parked, [&](const Moment& moment) {
    return moment.thread != parked.thread && moment.changed &&
           moment.object_index == parked.object_index && moment.before == task;
  });
}

Facts::Stale Facts::StaleAt(const Moment& acted, int object) const {
  std::vector<int> seen_again;
  for (const Moment* at = &acted; at != story_.moments.data();) {
    --at;
    if (at->object_index < 0) continue;
    if (object >= 0 && at->object_index != object) continue;
    if (at->thread == acted.thread) {
      if (at->looked) seen_again.push_back(at->object_index);
      continue;
    }
    const bool again =
        std::count(seen_again.begin(), seen_again.end(), at->object_index) != 0;
    if (!at->changed || at->before == at->after || again || IsLocking(*at)) {
      continue;
    }
    // Changed by another, unseen from there on: had it been seen before?
    const Moment* const looked = LastLook(acted.thread, at->object_index, at);
    if (looked != nullptr) return {looked, at};
  }
  return {};
}

Facts::Stale Facts::Overwritten(const Moment** store) const {
  Stale stale;
  for (const Moment& moment : story_.moments) {
    if (moment.operation != Name(Op::kStore) || !moment.changed) continue;
    const Moment* const looked =
        LastLook(moment.thread, moment.object_index, &moment);
    const Moment* const changed =
        LastChangeByOther(moment.thread, moment.object_index, &moment);
    if (looked == nullptr || changed == nullptr || changed < looked) continue;
    stale = {looked, changed};
    *store = &moment;
  }
  return stale;
}

const Moment* Facts::Holder(int lock) const {
  const Moment* holder = nullptr;
  for (const Moment& moment : story_.moments) {
    if (moment.object_index != lock || !IsLocking(moment)) continue;
    if (!moment.changed) continue;  // Of a try that was in vain.
    holder = moment.operation == Name(Op::kRelease) ? nullptr : &moment;
  }
  return holder;
}

std::string Facts::Locks(int thread) const {
  std::map<int, const Moment*> held;
  for (const Moment& moment : story_.moments) {
    if (moment.thread != thread || !IsLocking(moment) || !moment.changed) {
      continue;
    }
    if (moment.operation == Name(Op::kRelease)) {
      held.erase(moment.object_index);
    } else {
      held[moment.object_index] = &moment;
    }
  }
  if (held.empty()) return "holds no lock";
  std::string text = "holds ";
  const char* between = "";
  for (const auto& [lock, moment] : held) {
    text += between + moment->object + " since step " +
            std::to_string(moment->step) + " (" + moment->site;
    const std::string place = PlaceOfMoment(*moment);
    text += (place.empty() ? "" : ", " + place) + ")";
    between = ", and ";
  }
  return text;
}

}  // namespace netpoll::model
