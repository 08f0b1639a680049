// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tests/shims/event_ports/shim_port.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

namespace netpoll::shim {
namespace {

constexpr int kBatch = 64;
constexpr std::uint64_t kCall = ~std::uint64_t{0};
constexpr int kPollable = POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLRDBAND |
                          POLLWRNORM | POLLWRBAND;
static_assert(POLLIN == EPOLLIN && POLLPRI == EPOLLPRI && POLLOUT == EPOLLOUT &&
              POLLERR == EPOLLERR && POLLHUP == EPOLLHUP);

// Made before main, so that no test takes it for a port's.
const int always_readable = ::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

int EpollCtl(int epoll, int op, int fd, std::uint32_t events,
             std::uint64_t data) {
  epoll_event event{.events = events, .data = {.u64 = data}};
  return ::epoll_ctl(epoll, op, fd, &event) == 0 ? 0 : errno;
}

bool IsValid(const timespec& time) {
  return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < 1'000'000'000;
}

}  // namespace

int Port::Init() {
  return EpollCtl(epoll_, EPOLL_CTL_ADD, always_readable, 0, kCall);
}

int Port::Associate(int fd, int events, void* user) {
  if (!IsOpen(fd)) return EBADFD;
  const std::lock_guard<std::mutex> hold(mutex_);
  Unqueue(fd);
  const std::uint32_t number = ++last_number_;
  const auto wanted =
      static_cast<std::uint32_t>(events & kPollable) | EPOLLONESHOT;
  const auto data =
      (std::uint64_t{number} << 32) | static_cast<std::uint32_t>(fd);
  int error = EpollCtl(epoll_, EPOLL_CTL_MOD, fd, wanted, data);
  if (error == ENOENT) {
    error = EpollCtl(epoll_, EPOLL_CTL_ADD, fd, wanted, data);
  }
  if (error == 0) {
    associations_[fd] = {number, user, true};
  } else {
    associations_.erase(fd);
  }
  CallBack();
  return error;
}

int Port::Dissociate(int fd) {
  if (!IsOpen(fd)) return EBADFD;
  const std::lock_guard<std::mutex> hold(mutex_);
  const auto found = associations_.find(fd);
  if (found == associations_.end()) return ENOENT;
  const bool active = found->second.active;
  associations_.erase(found);
  Unqueue(fd);
  EpollCtl(epoll_, EPOLL_CTL_DEL, fd, 0, 0);
  CallBack();
  return active ? 0 : ENOENT;
}

int Port::Alert(int flags, int events, void* user) {
  const std::lock_guard<std::mutex> hold(mutex_);
  if (events == 0) {
    alert_.reset();
    return 0;
  }
  const int both = PORT_ALERT_SET | PORT_ALERT_UPDATE;
  if ((flags & both) == both) return EINVAL;
  if (flags == PORT_ALERT_UPDATE && alert_.has_value()) return EBUSY;
  port_event_t alert{};
  alert.portev_events = events;
  alert.portev_source = PORT_SOURCE_ALERT;
  alert.portev_user = user;
  alert_ = alert;
  for (Waiter* const waiter : waiters_) waiter->alert = alert;
  CallBack();
  return 0;
}

int Port::GetN(port_event_t* list, unsigned max, unsigned* nget,
               const timespec* timeout) {
  if (nget == nullptr) return EINVAL;
  std::unique_lock<std::mutex> lock(mutex_);
  if (max == 0) {
    HarvestWhatIsReady();
    *nget = static_cast<unsigned>(queue_.size());
    return 0;
  }
  if (list == nullptr || *nget > max) return EINVAL;
  if (*nget == 0) return 0;
  if (alert_.has_value()) {
    list[0] = *alert_;
    *nget = 1;
    return 0;
  }
  HarvestWhatIsReady();
  const bool at_once =
      timeout != nullptr && timeout->tv_sec == 0 && timeout->tv_nsec == 0;
  if (at_once || queue_.size() >= *nget) {
    *nget = Take(list, max);
    CallBack();
    return 0;
  }
  if (timeout == nullptr) return Wait(lock, list, max, nget, {});
  if (!IsValid(*timeout)) return EINVAL;
  return Wait(lock, list, max, nget,
              Clock::now() + std::chrono::seconds(timeout->tv_sec) +
                  std::chrono::nanoseconds(timeout->tv_nsec));
}

int Port::Wait(std::unique_lock<std::mutex>& lock, port_event_t* list,
               unsigned max, unsigned* nget, Until until) {
  Waiter self{.wanted = *nget, .alert = {}};
  waiters_.push_back(&self);
  int error = 0;
  while (!self.alert.has_value() && queue_.size() < self.wanted && error == 0) {
    lock.unlock();
    epoll_event events[kBatch];
    const int count = WaitInEpoll(events, kBatch, until);
    lock.lock();
    if (count > 0) Queue(events, count);
    if (count < 0) error = -count;
    if (count == 0 && until.has_value() && Clock::now() >= *until) {
      error = ETIME;
    }
    CallBack();
  }
  waiters_.remove(&self);
  if (self.alert.has_value()) {
    list[0] = *self.alert;
    *nget = 1;
    error = 0;
  } else if (error == 0 || error == ETIME) {
    *nget = Take(list, max);
  }
  CallBack();
  return error;
}

// By ppoll, which every kernel and valgrind know, unlike epoll_pwait2.
int Port::WaitInEpoll(epoll_event* events, int size, Until until) const {
  if (until.has_value()) {
    const auto left =
        std::max(*until - Clock::now(), Clock::duration(0)).count();
    const timespec limit{.tv_sec = left / 1'000'000'000,
                         .tv_nsec = left % 1'000'000'000};
    pollfd self{.fd = epoll_, .events = POLLIN, .revents = 0};
    const int ready = ::ppoll(&self, 1, &limit, nullptr);
    if (ready <= 0) return ready < 0 ? -errno : 0;
  }
  const int count =
      ::epoll_wait(epoll_, events, size, until.has_value() ? 0 : -1);
  return count < 0 ? -errno : count;
}

void Port::HarvestWhatIsReady() {
  epoll_event events[kBatch];
  for (;;) {
    const int count = ::epoll_wait(epoll_, events, kBatch, 0);
    if (count > 0) Queue(events, count);
    if (count < kBatch) break;
  }
  CallBack();
}

void Port::Queue(const epoll_event* events, int count) {
  for (int i = 0; i < count; ++i) {
    const std::uint64_t data = events[i].data.u64;
    if (data == kCall) continue;
    const int fd = static_cast<int>(data & 0xffff'ffffu);
    const auto found = associations_.find(fd);
    if (found == associations_.end() || found->second.number != data >> 32) {
      continue;
    }
    port_event_t event{};
    event.portev_events = static_cast<int>(events[i].events);
    event.portev_source = PORT_SOURCE_FD;
    event.portev_object = static_cast<std::uintptr_t>(fd);
    event.portev_user = found->second.user;
    queue_.push_back(event);
  }
}

void Port::Unqueue(int fd) {
  std::erase_if(queue_, [fd](const port_event_t& event) {
    return event.portev_object == static_cast<std::uintptr_t>(fd);
  });
}

unsigned Port::Take(port_event_t* list, unsigned max) {
  unsigned taken = 0;
  for (; taken < max && !queue_.empty(); ++taken) {
    list[taken] = queue_.front();
    queue_.pop_front();
    associations_[static_cast<int>(list[taken].portev_object)].active = false;
  }
  return taken;
}

// Those that wait and may leave are woken; when none is left, nobody is.
void Port::CallBack() {
  const bool wanted =
      std::any_of(waiters_.begin(), waiters_.end(), [this](const Waiter* w) {
        return w->alert.has_value() || queue_.size() >= w->wanted;
      });
  if (wanted == calling_) return;
  calling_ = wanted;
  const std::uint32_t events = wanted ? std::uint32_t{EPOLLIN} : 0;
  EpollCtl(epoll_, EPOLL_CTL_MOD, always_readable, events, kCall);
}

}  // namespace netpoll::shim
