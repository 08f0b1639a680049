// SPDX-License-Identifier: Apache-2.0
//
// The two calls, and which number is which queue.
#include <sys/epoll.h>
#include <sys/event.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "netpoll/tests/shims/kqueue/queue.h"
#include "netpoll/tests/shims/kqueue/quirks.h"

namespace netpoll::shim {
namespace {

using std::chrono::nanoseconds;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
constexpr time_t kMostSeconds = 100'000'000;

struct Queues {
  std::mutex mutex;
  std::map<int, std::shared_ptr<Queue>> by_number;

  static Queues& All() {
    static Queues& all = *new Queues;
    return all;
  }
  std::shared_ptr<Queue> Find(int number) {
    const std::lock_guard<std::mutex> hold(mutex);
    const auto found = by_number.find(number);
    return found == by_number.end() ? nullptr : found->second;
  }
};

bool IsTime(const timespec& limit) {
  return limit.tv_sec >= 0 && limit.tv_sec <= kMostSeconds &&
         limit.tv_nsec >= 0 && limit.tv_nsec < kNanosPerSecond;
}

// The number of EV_ERROR events, or -errno.
int MakeChanges(Queue& queue, const struct kevent* changes, int count,
                struct kevent* events, int size) {
  int errors = 0;
  for (int i = 0; i < count; ++i) {
    const int error = queue.Change(changes[i]);
    if (error == 0) continue;
    if (errors == size) return -error;
    events[errors] = changes[i];
    events[errors].flags = EV_ERROR;
    events[errors].data = error;
    ++errors;
  }
  return errors;
}

int Wait(Queue& queue, struct kevent* events, int size,
         const timespec* timeout) {
  Clock::time_point end{};
  if (timeout != nullptr) {
    end = Clock::now() +
          nanoseconds(timeout->tv_sec * kNanosPerSecond + timeout->tv_nsec);
  }
  using Look = Queue::Look;
  const bool waits =
      timeout == nullptr || timeout->tv_sec != 0 || timeout->tv_nsec != 0;
  const int first =
      queue.Collect(waits ? Look::kFirst : Look::kPassing, events, size);
  if (first != 0 || !waits) return first;
  for (;;) {
    timespec rest{};
    if (timeout != nullptr) {
      const std::int64_t left = nanoseconds(end - Clock::now()).count();
      if (left <= 0) return queue.Collect(Look::kLast, events, size);
      rest.tv_sec = left / kNanosPerSecond;
      rest.tv_nsec = left % kNanosPerSecond;
    }
    const int ready = queue.Await(timeout == nullptr ? nullptr : &rest);
    if (ready < 0) {
      queue.Collect(Look::kLast, events, size);
      return ready;
    }
    const int count = queue.Collect(Look::kWoken, events, size);
    if (count != 0) return count;
  }
}

int Kevent(int kq, const struct kevent* changes, int change_count,
           struct kevent* events, int size, const timespec* timeout) {
  const std::shared_ptr<Queue> queue = Queues::All().Find(kq);
  if (queue == nullptr) return -EBADF;
  if (change_count < 0 || size < 0) return -EINVAL;
  if ((change_count > 0 && changes == nullptr) ||
      (size > 0 && events == nullptr)) {
    return -EFAULT;
  }
  if (timeout != nullptr && !IsTime(*timeout)) return -EINVAL;
  const int errors = MakeChanges(*queue, changes, change_count, events, size);
  if (errors != 0 || size == 0) return errors;
  return Wait(*queue, events, size, timeout);
}

int Kqueue() {
  const int epoll = ::epoll_create1(0);
  if (epoll < 0) return -errno;
  auto queue = std::make_shared<Queue>(epoll);
  if (const int error = queue->Init(); error != 0) {
    ::close(epoll);
    return -error;
  }
  Queues& all = Queues::All();
  const std::lock_guard<std::mutex> hold(all.mutex);
  all.by_number[epoll] = std::move(queue);
  return epoll;
}

}  // namespace

bool SetQuirks(int kq, const Quirks& quirks) {
  const std::shared_ptr<Queue> queue = Queues::All().Find(kq);
  if (queue != nullptr) queue->SetQuirks(quirks);
  return queue != nullptr;
}

namespace {

int ToCaller(int result) {
  if (result >= 0) return result;
  errno = -result;
  return -1;
}

}  // namespace
}  // namespace netpoll::shim

int kqueue(void) { return netpoll::shim::ToCaller(netpoll::shim::Kqueue()); }

int kevent(int kq, const struct kevent* changelist, int nchanges,
           struct kevent* eventlist, int nevents,
           const struct timespec* timeout) {
  return netpoll::shim::ToCaller(netpoll::shim::Kevent(
      kq, changelist, nchanges, eventlist, nevents, timeout));
}
