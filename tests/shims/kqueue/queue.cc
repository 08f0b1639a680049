// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tests/shims/kqueue/queue.h"

#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "netpoll/tests/shims/kqueue/files.h"

namespace netpoll::shim {
namespace {

constexpr unsigned kKept = EV_CLEAR | EV_ONESHOT;
constexpr unsigned kKnown = kKept | EV_ADD | EV_DELETE | EV_ENABLE | EV_DISABLE;

}  // namespace

int Queue::Init() {
  epoll_event event{.events = 0, .data = {.u64 = 0}};
  return Control(epoll_, EPOLL_CTL_ADD, AlwaysReadable(), &event);
}

int Queue::Change(const struct kevent& change) {
  if ((change.flags & ~kKnown) != 0) return EINVAL;
  const std::lock_guard<std::mutex> hold(mutex_);
  switch (change.filter) {
    case EVFILT_READ:
    case EVFILT_WRITE:
      return ChangeDescriptor(change);
    case EVFILT_USER:
      return ChangeUser(change);
    default:
      return EINVAL;
  }
}

Queue::Knote& Queue::Find(const struct kevent& change) {
  const Name name{change.ident, change.filter};
  const auto [at, is_new] = knotes_.try_emplace(name);
  if (is_new) {
    at->second.id = ++last_id_;
    names_[last_id_] = name;
  }
  return at->second;
}

void Queue::Update(const struct kevent& change, Knote& knote) {
  if ((change.flags & EV_ADD) != 0) {
    knote.flags = static_cast<unsigned short>(change.flags & kKept);
    knote.enabled = true;
  }
  if ((change.flags & EV_ENABLE) != 0) knote.enabled = true;
  if ((change.flags & EV_DISABLE) != 0) knote.enabled = false;
  knote.udata = change.udata;
}

void Queue::Forget(const Name& name) {
  names_.erase(knotes_.at(name).id);
  knotes_.erase(name);
}

int Queue::ChangeDescriptor(const struct kevent& change) {
  const Name name{change.ident, change.filter};
  if (!IsOpen(static_cast<int>(change.ident))) {
    if (knotes_.count(name) != 0) Forget(name);
    return EBADF;
  }
  const bool known = knotes_.count(name) != 0;
  if ((change.flags & EV_ADD) == 0 && !known) return ENOENT;
  const int fd = static_cast<int>(change.ident);
  const bool wrong_end = quirks_.wrong_ends_are_silent &&
                         IsOtherEnd(fd, change.filter == EVFILT_READ);
  if (!known && !wrong_end && change.filter == EVFILT_WRITE &&
      quirks_.write_filter_of_an_ended_pipe != 0 && IsEndedPipe(fd)) {
    return quirks_.write_filter_of_an_ended_pipe;
  }
  Knote& knote = Find(change);
  knote.silent = wrong_end;
  int error = 0;
  if ((change.flags & EV_DELETE) != 0) {
    error = Deregister(name, knote);
    Forget(name);
    return error;
  }
  Update(change, knote);
  knote.held = false;
  error = knote.enabled ? Register(name, knote) : Deregister(name, knote);
  // The kernel has forgotten the file that had this number.
  if (error == ENOENT && (change.flags & EV_ADD) != 0) {
    knote.registered = false;
    error = knote.enabled ? Register(name, knote) : 0;
  }
  if (error != 0) Forget(name);
  return error == EPERM ? EINVAL : error;
}

int Queue::Register(const Name& name, Knote& knote) {
  if (knote.silent) return 0;
  const bool reads = name.second == EVFILT_READ;
  unsigned events = reads ? EPOLLIN | EPOLLRDHUP : EPOLLOUT;
  if ((knote.flags & EV_CLEAR) != 0) events |= EPOLLET;
  epoll_event event{.events = events, .data = {.u64 = knote.id}};
  const int op = knote.registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  const int fd = static_cast<int>(name.first);
  const int error = reads ? Control(epoll_, op, fd, &event)
                          : ControlUnderOtherNumber(epoll_, op, fd, &event);
  if (error == 0) knote.registered = true;
  return error;
}

int Queue::Deregister(const Name& name, Knote& knote) {
  if (!knote.registered) return 0;
  knote.registered = false;
  const int fd = static_cast<int>(name.first);
  epoll_event unused{};
  return name.second == EVFILT_READ
             ? Control(epoll_, EPOLL_CTL_DEL, fd, &unused)
             : ControlUnderOtherNumber(epoll_, EPOLL_CTL_DEL, fd, &unused);
}

int Queue::ChangeUser(const struct kevent& change) {
  const Name name{change.ident, change.filter};
  if ((change.fflags & ~static_cast<unsigned>(NOTE_TRIGGER)) != 0) {
    return EINVAL;
  }
  if ((change.flags & EV_ADD) == 0 && knotes_.count(name) == 0) return ENOENT;
  Knote& knote = Find(change);
  if ((change.flags & EV_DELETE) != 0) {
    Forget(name);
  } else {
    Update(change, knote);
    if ((change.fflags & NOTE_TRIGGER) != 0) knote.triggered = true;
  }
  return ListenForUser();
}

int Queue::ListenForUser() {
  const bool any =
      std::any_of(knotes_.begin(), knotes_.end(), [](const auto& entry) {
        return entry.second.triggered && entry.second.enabled;
      });
  epoll_event event{.events = any ? unsigned{EPOLLIN} : 0, .data = {.u64 = 0}};
  return Control(epoll_, EPOLL_CTL_MOD, AlwaysReadable(), &event);
}

void Queue::SetQuirks(const Quirks& quirks) {
  const std::lock_guard<std::mutex> hold(mutex_);
  quirks_ = quirks;
}

int Queue::Collect(Look look, struct kevent* events, int size) {
  // With the lock held, so that nothing of a filter is reported after its
  // EV_DELETE.
  const std::lock_guard<std::mutex> hold(mutex_);
  if (look == Look::kLast) {
    --sleepers_;
    return 0;
  }
  if (look != Look::kWoken) PutBackWhatIsHeld();
  const bool others_lose =
      quirks_.levels_lose_signals && look == Look::kPassing && sleepers_ > 0;
  const int count = CollectSome(events, size, others_lose);
  if (look == Look::kFirst && count == 0) ++sleepers_;
  if (look == Look::kWoken && count != 0) --sleepers_;
  return count;
}

void Queue::PutBackWhatIsHeld() {
  for (auto& [name, knote] : knotes_) {
    if (!knote.held) continue;
    knote.held = false;
    Register(name, knote);
  }
}

int Queue::CollectSome(struct kevent* events, int size, bool hold) {
  std::vector<epoll_event> reported(static_cast<std::size_t>(size));
  const int count = ::epoll_wait(epoll_, reported.data(), size, 0);
  // EINVAL: the number is no epoll descriptor any more.
  if (count < 0) return errno == EINVAL ? -EBADF : -errno;
  int made = 0;
  bool user = false;
  for (int i = 0; i < count; ++i) {
    if (reported[i].data.u64 == 0) {
      user = true;
    } else if (Describe(reported[i], hold, &events[made])) {
      ++made;
    }
  }
  if (user) made += TakeUser(events + made, size - made);
  return made;
}

bool Queue::Describe(const epoll_event& reported, bool hold,
                     struct kevent* event) {
  const auto found = names_.find(reported.data.u64);
  if (found == names_.end()) return false;
  const Name name = found->second;
  Knote& knote = knotes_.at(name);
  const int fd = static_cast<int>(name.first);
  const bool reads = name.second == EVFILT_READ;
  const bool end =
      (reported.events & (reads ? EPOLLRDHUP | EPOLLHUP : EPOLLHUP)) != 0 ||
      ((reported.events & EPOLLERR) != 0 && IsFifo(fd));
  EV_SET(event, name.first, name.second, knote.flags | (end ? EV_EOF : 0), 0,
         reads ? Readable(fd) : Room(fd), knote.udata);
  if ((knote.flags & EV_ONESHOT) != 0) {
    Deregister(name, knote);
    Forget(name);
  } else if (hold && (knote.flags & EV_CLEAR) == 0) {
    Deregister(name, knote);
    knote.held = true;
  }
  return true;
}

int Queue::TakeUser(struct kevent* events, int size) {
  std::vector<Name> used;
  int made = 0;
  for (auto& [name, knote] : knotes_) {
    if (made == size) break;
    if (!knote.triggered || !knote.enabled) continue;
    EV_SET(&events[made], name.first, name.second, knote.flags, 0, 0,
           knote.udata);
    ++made;
    if ((knote.flags & EV_CLEAR) != 0) knote.triggered = false;
    if ((knote.flags & EV_ONESHOT) != 0) used.push_back(name);
  }
  for (const Name& name : used) Forget(name);
  ListenForUser();
  return made;
}

int Queue::Await(const timespec* limit) {
  pollfd self{.fd = epoll_, .events = POLLIN, .revents = 0};
  const int ready = ::ppoll(&self, 1, limit, nullptr);
  if (ready < 0) return -errno;
  if ((self.revents & POLLNVAL) != 0) return -EBADF;
  // Woken, but others may look first.
  if (quirks_.levels_lose_signals) std::this_thread::yield();
  return ready;
}

}  // namespace netpoll::shim
