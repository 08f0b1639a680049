// SPDX-License-Identifier: Apache-2.0
//
// What backends may legitimately do differently, each with the reason. A
// backend's own test specialises this where it differs; a clause asks here
// instead of naming a backend.

#ifndef NETPOLL_TESTS_CONFORMANCE_TRAITS_H_
#define NETPOLL_TESTS_CONFORMANCE_TRAITS_H_

namespace netpoll::conformance {

// The strictest backend.
struct DefaultTraits {
  // The system can't tell the peer's half-close from a full one, so a writer
  // is woken too (and finds that it can still write).
  static constexpr bool kHalfCloseWakesWriter = false;
  // A half-close is marked "no more edges". A level-triggered system that has
  // no word for it says "readable" instead, each time it is asked.
  static constexpr bool kHalfCloseIsMarked = true;

  // What found no room in the system's queue is reported once more, without an
  // event of its own.
  static constexpr bool kReportsRepeat = false;

  // News of a socket's error queue is reported, as nothing but an error. Asked
  // on Linux only, which has such queues.
  static constexpr bool kReportsErrorQueues = true;

  // Why Init may return that error though nothing is wrong with the backend: a
  // machine without the system interface. Null: it may not.
  static const char* WhyMissing(int /*error*/) { return nullptr; }
};

template <class Backend>
struct Traits : DefaultTraits {};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_TRAITS_H_
