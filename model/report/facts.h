// SPDX-License-Identifier: Apache-2.0
//
// What a diagnosis looks for in a story: who looked at an object, who changed
// it, who holds which lock, and when.

#ifndef NETPOLL_MODEL_REPORT_FACTS_H_
#define NETPOLL_MODEL_REPORT_FACTS_H_

#include <string>
#include <vector>

#include "netpoll/model/report/story.h"

namespace netpoll::model {

class Facts {
 public:
  explicit Facts(const Story& story) : story_(story) {}

  // The last moment of those before `before` (null: of all) that it is wanted
  // of; null if there is none.
  template <class Wanted>
  const Moment* Last(const Moment* before, Wanted wanted) const {
    const Moment* found = nullptr;
    for (const Moment& moment : story_.moments) {
      if (&moment == before) break;
      if (wanted(moment)) found = &moment;
    }
    return found;
  }
  // The first after `after` (null: of all).
  template <class Wanted>
  const Moment* First(const Moment* after, Wanted wanted) const {
    for (const Moment& moment : story_.moments) {
      if ((after == nullptr || &moment > after) && wanted(moment)) {
        return &moment;
      }
    }
    return nullptr;
  }

  // The thread's last look at the object; the last change of it by another.
  const Moment* LastLook(int thread, int object, const Moment* before) const;
  const Moment* LastChangeByOther(int thread, int object,
                                  const Moment* before) const;
  // What the thread changed last that is no lock: where it went to sleep.
  const Moment* LastDeed(int thread) const;
  // Who took the thread's task out of the word in which `parked` put it.
  const Moment* TakenOut(const Moment& parked) const;

  // A decision on what somebody else had changed: the last one of the thread's
  // before `acted`, of `object` unless that is -1.
  struct Stale {
    const Moment* looked = nullptr;
    const Moment* changed = nullptr;
  };
  Stale StaleAt(const Moment& acted, int object) const;
  // A store over what somebody else had put there since the storing thread
  // last looked.
  Stale Overwritten(const Moment** store) const;

  // "holds lock since step 5 (deadline.lock, core/poll_desc.h:176)", for each;
  // "holds no lock".
  std::string Locks(int thread) const;
  // Who holds the lock, or null.
  const Moment* Holder(int lock) const;

 private:
  const Story& story_;
};

bool IsLocking(const Moment& moment);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_FACTS_H_
