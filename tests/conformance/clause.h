// SPDX-License-Identifier: Apache-2.0
//
// What every clause of the suite is written with. The fixture is the system's:
// fixture.h has POSIX's; a backend of another system specialises Fixture
// itself, as iocp/fixture.h does for completions, and then passes the clauses
// that are portable (portable.h). Those ask for nothing but
//
//   backend_             initialised
//   kReportsReadiness    whether a direction is reported without a call in it
//   Key(number)
//   Pair(), ToRead()     two connected ends: Send() of the peer makes own()
//                        readable; CloseOwn(). The second may be a pipe.
//   Open(ends, key)      registers own(), and asks for a report when it can be
//                        read; what is there already need not be reported
//   ReadAndArm(ends, key)  takes the byte that was reported; asks again
//   Close(ends, key)     deregisters; 0 or the errno
//   TakeAll()            all that is pending, by key
//   Duplicate            (ends): keeps the connection alive besides own()
//   OpenDescriptors()    of the process: to compare
//   MadeBy(act), IsInherited(fd), kNoDescriptor

#ifndef NETPOLL_TESTS_CONFORMANCE_CLAUSE_H_
#define NETPOLL_TESTS_CONFORMANCE_CLAUSE_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll::conformance {

template <class Backend>
class Fixture;

struct Report {
  EventKey key;
  Mode mode;
  EventFlags flags;

  friend bool operator==(const Report&, const Report&) = default;
};

// A sink that writes down what it is told.
struct Recorder {
  std::vector<Report> reports;

  void Ready(EventKey key, Mode mode, EventFlags flags) {
    reports.push_back({key, mode, flags});
  }
};

// What was reported of one key, taken together.
struct Seen {
  bool read = false;
  bool write = false;
  bool no_more_edges = false;
  bool error = false;

  friend bool operator==(const Seen&, const Seen&) = default;
};

// Keys that use all the bits a backend may be tempted to drop.
inline EventKey KeyOf(std::uint32_t number) {
  return EventKey::ForSlot(EventKey::kMaxIndex - number, 0xffff'ffffu - number);
}

// All that is pending, by key.
template <class Backend>
std::map<std::uint64_t, Seen> TakeAllOf(Backend& backend) {
  std::map<std::uint64_t, Seen> seen;
  for (;;) {
    Recorder recorder;
    backend.Poll(Delta::NonBlocking(), recorder);
    if (recorder.reports.empty()) return seen;
    for (const Report& report : recorder.reports) {
      Seen& of_key = seen[report.key.bits()];
      of_key.read |= Has(report.mode, Mode::kRead);
      of_key.write |= Has(report.mode, Mode::kWrite);
      of_key.no_more_edges |= report.flags.no_more_edges;
      of_key.error |= report.flags.error;
    }
  }
}

// Calls `act` until a poll with `delta` in another thread has returned, which
// reports nothing. Leaves the processor to that thread in between.
template <class Backend, class Act>
void UntilPollEnds(Backend& backend, Delta delta, Act act) {
  std::mutex mutex;
  std::condition_variable change;
  bool ended = false;
  std::thread poller([&] {
    Recorder recorder;
    backend.Poll(delta, recorder);
    EXPECT_TRUE(recorder.reports.empty());
    const std::lock_guard<std::mutex> hold(mutex);
    ended = true;
    change.notify_one();
  });
  std::unique_lock<std::mutex> hold(mutex);
  while (!ended) {
    hold.unlock();
    act(poller);
    hold.lock();
    change.wait_for(hold, std::chrono::milliseconds(1), [&] { return ended; });
  }
  poller.join();
}

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_CLAUSE_H_
