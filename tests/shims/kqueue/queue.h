// SPDX-License-Identifier: Apache-2.0
//
// One kqueue, over one epoll descriptor. For tests only.
//
// As the manuals say
//   - EVFILT_READ, EVFILT_WRITE and EVFILT_USER with EV_ADD, EV_DELETE,
//     EV_ENABLE, EV_DISABLE, EV_ONESHOT, EV_CLEAR. A descriptor's two filters
//     are apart: an edge of one is no edge of the other.
//   - EV_ADD of what is there changes its flags and udata, and asks anew
//     whether it is ready. A change without EV_ADD changes udata.
//   - EV_EOF; `data`: bytes that can be read, or the room for a write.
//   - A change that fails becomes an EV_ERROR event if there is room for one,
//     and the others are made; otherwise kevent ends with its errno. With such
//     events, or without room for any, kevent does not wait.
//   - EINTR comes after all changes were made. A signal ends every wait.
//   - EINVAL for a limit that is no time, or above 10^8 seconds, as on Darwin.
//   - The queue can be polled, is not close-on-exec, and any number of threads
//     may be in kevent at once: an edge goes to one of them.
//
// Differently
//   - Nobody tells it of close(). The kernel forgets a file when its last
//     descriptor goes, so a registration whose number is used again is noticed
//     and dropped; one that a duplicate keeps alive goes on reporting.
//   - A closed queue's memory is kept until its number is a queue again.
//   - fflags of EV_EOF is 0: Linux gives out a socket's error once only, and it
//     is the program's.
//   - One open file has one write filter in a queue, under one number: EEXIST
//     for a duplicate's.
//   - EVFILT_USER keeps no fflags but NOTE_TRIGGER; other filters and flags are
//     EINVAL, regular files too.
//   - Where Linux wakes both directions at once (a shutdown), an idle write
//     filter may report once more.
//   - A child of fork inherits it.
//   - A listening socket's `data` is 1.
//   - What kernels do against their manuals it does when asked: quirks.h.
//
// How: each filter is an epoll registration of its own, so that the kernel
// itself keeps their edges apart. epoll takes a file twice only under two
// numbers; so a write filter is registered while a number that the process
// keeps for this names the file too. User events are one eventfd of the process
// that is always readable: a queue with a triggered event listens to it.

#ifndef NETPOLL_TESTS_SHIMS_KQUEUE_QUEUE_H_
#define NETPOLL_TESTS_SHIMS_KQUEUE_QUEUE_H_

#include <sys/epoll.h>
#include <sys/event.h>
#include <time.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "netpoll/tests/shims/kqueue/quirks.h"

namespace netpoll::shim {

class Queue {
 public:
  // `epoll` stays the caller's.
  explicit Queue(int epoll) : epoll_(epoll) {}

  // Makes it listen for user events. 0, or an errno. Call once, first.
  int Init();

  // 0, or an errno.
  int Change(const struct kevent& change);

  void SetQuirks(const Quirks& quirks);

  // Who looks for events.
  enum class Look {
    kPassing,  // A call that does not wait.
    kFirst,    // One that goes to sleep if there is nothing; then
    kWoken,    // it looks again, or
    kLast,     // its time is over.
  };
  // The number of events that are pending, up to `size`, without waiting; or
  // -errno. After a kFirst that found nothing there are kWokens until one finds
  // something, or a kLast.
  int Collect(Look look, struct kevent* events, int size);

  // Waits until there may be something to collect, or `limit` is over (null:
  // none). 0 if it is over, 1 if not, or -errno.
  int Await(const timespec* limit);

 private:
  using Name = std::pair<std::uintptr_t, short>;  // ident, filter
  struct Knote {
    unsigned short flags;  // EV_CLEAR, EV_ONESHOT
    void* udata;
    std::uint64_t id;  // Travels through epoll; 0 is the eventfd's.
    bool enabled = true;
    bool registered = false;  // In epoll.
    bool triggered = false;   // EVFILT_USER
    bool silent = false;      // It never reports: a quirk.
    bool held = false;        // Out of epoll until the next call: a quirk.
  };

  int ChangeDescriptor(const struct kevent& change);
  int ChangeUser(const struct kevent& change);
  Knote& Find(const struct kevent& change);
  static void Update(const struct kevent& change, Knote& knote);
  int Register(const Name& name, Knote& knote);
  int Deregister(const Name& name, Knote& knote);
  void Forget(const Name& name);
  int ListenForUser();
  void PutBackWhatIsHeld();
  int CollectSome(struct kevent* events, int size, bool hold);
  bool Describe(const epoll_event& reported, bool hold, struct kevent* event);
  int TakeUser(struct kevent* events, int size);

  const int epoll_;
  std::mutex mutex_;  // All that follows.
  std::map<Name, Knote> knotes_;
  std::map<std::uint64_t, Name> names_;  // By id.
  std::uint64_t last_id_ = 0;
  Quirks quirks_;
  int sleepers_ = 0;  // Calls that found nothing and have not returned.
};

}  // namespace netpoll::shim

#endif  // NETPOLL_TESTS_SHIMS_KQUEUE_QUEUE_H_
