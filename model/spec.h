// SPDX-License-Identifier: Apache-2.0
//
// The reference model as the explorer asks it, at every step: may the event at
// this site move the semaphore's word, or the status word, like that? The
// tables are in reference/, written down independently of core/: where the two
// disagree, one of them is wrong.

#ifndef NETPOLL_MODEL_SPEC_H_
#define NETPOLL_MODEL_SPEC_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "netpoll/model/reference/semaphore_table.h"
#include "netpoll/model/reference/status_table.h"

namespace netpoll::model {

// Sites are named EVENT.object.
inline bool IsEvent(const char* site, const char* event) {
  const std::size_t length = std::strlen(event);
  return std::strncmp(site, event, length) == 0 && site[length] == '.';
}

constexpr reference::State StateOf(std::uint64_t word) {
  return word > 2 ? reference::State::kParked
                  : static_cast<reference::State>(word);
}

inline bool SemMayMove(const char* site, std::uint64_t from, std::uint64_t to) {
  if (from == to) return true;
  for (const reference::Event event : reference::kEvents) {
    if (!IsEvent(site, reference::Name(event))) continue;
    const reference::Rule rule = reference::Find(StateOf(from), event);
    return rule.effect != reference::Effect::kMisuse &&
           rule.next == StateOf(to);
  }
  return false;
}

inline bool StatusMayMove(const char* site, std::uint64_t from,
                          std::uint64_t to) {
  if (from == to) return true;
  for (const reference::StatusRule& rule : reference::kStatusRules) {
    if (IsEvent(site, rule.site) && reference::Allows(rule, from, to)) {
      return true;
    }
  }
  return false;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SPEC_H_
