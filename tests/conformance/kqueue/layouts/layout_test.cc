// SPDX-License-Identifier: Apache-2.0
//
// The backend compiles against the declarations of each system, warnings being
// errors, and keys survive each system's field. Built once for each layout; the
// calls are stubs.
#include <fcntl.h>
#include <sys/event.h>

#include <cerrno>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/kqueue/kqueue_backend.h"
#include "netpoll/backends/kqueue/kqueue_events.h"
#include "netpoll/backends/kqueue/kqueue_waker.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"

namespace {

// What was registered last, and what the next wait reports.
struct Kernel {
  std::vector<struct kevent> changes;
  std::vector<struct kevent> events;
};
Kernel kernel;

template <class Count>
int Play(const struct kevent* changes, Count change_count,
         struct kevent* events, Count size) {
  for (Count i = 0; i < change_count; ++i) kernel.changes.push_back(changes[i]);
  int count = 0;
  if (size == 0) return 0;
  for (const struct kevent& event : kernel.events) events[count++] = event;
  kernel.events.clear();
  return count;
}

}  // namespace

// Only its number is used.
extern "C" int kqueue(void) { return ::open("/dev/null", O_RDONLY); }

#if defined(NETPOLL_LAYOUT_COUNTS_ARE_SIZES)
using Count = std::size_t;
#else
using Count = int;
#endif
extern "C" int kevent(int, const struct kevent* changes, Count change_count,
                      struct kevent* events, Count size, const timespec*) {
  return Play(changes, change_count, events, size);
}

// All of it, not only what is used below.
template class netpoll::Poller<netpoll::KqueueBackend<>>;

namespace netpoll::conformance {
namespace {

using Backend = KqueueBackend<>;

TEST(Layout, WhereThereAreUserEventsTheyAreTheWakeUp) {
  kernel = {};
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  ASSERT_EQ(kernel.changes.size(), 1u);
  const auto filter = static_cast<std::int64_t>(kernel.changes[0].filter);
#if defined(EVFILT_USER)
  EXPECT_EQ(filter, static_cast<std::int64_t>(EVFILT_USER));
#else
  EXPECT_EQ(filter, static_cast<std::int64_t>(EVFILT_READ));
  EXPECT_EQ(kernel.changes[0].flags + 0u, EV_ADD + EV_CLEAR + 0u);
#endif
}

TEST(Layout, KeysComeBackWhole) {
  const EventKey keys[] = {
      EventKey::ForSlot(0, 1), EventKey::ForSlot(0, 0xffff'ffffu),
      EventKey::ForSlot(EventKey::kMaxIndex, 0x8000'0000u),
      EventKey::ForSlot(EventKey::kMaxIndex, 0xffff'ffffu)};
  for (const EventKey key : keys) {
    kernel = {};
    Backend backend;
    ASSERT_EQ(backend.Init(), 0);
    kernel.changes.clear();
    ASSERT_EQ(backend.Open(7, key), 0);
    ASSERT_EQ(kernel.changes.size(), 2u);
    kernel.events = kernel.changes;
    kernel.events[0].flags = EV_CLEAR;
    kernel.events[1].flags = EV_CLEAR;
    Recorder recorder;
    backend.Poll(Delta::NonBlocking(), recorder);
    ASSERT_EQ(recorder.reports.size(), 2u);
    EXPECT_EQ(recorder.reports[0].key, key);
    EXPECT_EQ(recorder.reports[0].mode, Mode::kRead);
    EXPECT_EQ(recorder.reports[1].key, key);
    EXPECT_EQ(recorder.reports[1].mode, Mode::kWrite);
  }
}

// Row E3: it was NetBSD's, where 0 is the filter of readers.
TEST(Layout, AnEventOfZerosIsDropped) {
  kernel = {};
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  kernel.events.resize(1);
  kernel.events[0].flags = EV_EOF;
  Recorder recorder;
  backend.Poll(Delta::NonBlocking(), recorder);
  EXPECT_TRUE(recorder.reports.empty());
}

TEST(Layout, TheWakeUpComesBack) {
  kernel = {};
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  kernel.events = kernel.changes;
  backend.Break();
  Recorder recorder;
  backend.Poll(Delta::Forever(), recorder);
  EXPECT_TRUE(recorder.reports.empty());
}

}  // namespace
}  // namespace netpoll::conformance
