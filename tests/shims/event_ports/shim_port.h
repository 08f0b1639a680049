// SPDX-License-Identifier: Apache-2.0
//
// One event port of the shim, over an epoll descriptor: see port.h. Thread
// safe. Functions return 0 or an errno.
//
// epoll says what became ready, once for each association (EPOLLONESHOT); a
// queue holds it until it is retrieved, as in a port. Each association has a
// number of its own, so that what epoll said of an earlier one is recognised
// and dropped.
//
// Threads that wait do so in epoll, and have to be called back when the port
// is alerted, or when another has queued what they wait for. All ports share
// one descriptor that is always readable; a port is interested in it as long as
// a thread that waits has a reason to leave. So a port has no second
// descriptor, as on the system.

#ifndef NETPOLL_TESTS_SHIMS_EVENT_PORTS_SHIM_PORT_H_
#define NETPOLL_TESTS_SHIMS_EVENT_PORTS_SHIM_PORT_H_

#include <port.h>
#include <sys/epoll.h>
#include <time.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <optional>

namespace netpoll::shim {

class Port {
 public:
  // `epoll` is what the program knows as the port.
  explicit Port(int epoll) : epoll_(epoll) {}
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  int Init();

  int Associate(int fd, int events, void* user);
  int Dissociate(int fd);
  int GetN(port_event_t* list, unsigned max, unsigned* nget,
           const timespec* timeout);
  int Alert(int flags, int events, void* user);

 private:
  using Clock = std::chrono::steady_clock;
  using Until = std::optional<Clock::time_point>;  // None: for ever.

  struct Association {
    std::uint32_t number;
    void* user;
    bool active;  // Its event has not been retrieved.
  };
  struct Waiter {
    std::size_t wanted;
    std::optional<port_event_t> alert;
  };

  int Wait(std::unique_lock<std::mutex>& lock, port_event_t* list, unsigned max,
           unsigned* nget, Until until);
  // The number of events; -errno. Not under the lock.
  int WaitInEpoll(epoll_event* events, int size, Until until) const;
  // Under the lock, all of these.
  void HarvestWhatIsReady();
  void Queue(const epoll_event* events, int count);
  void Unqueue(int fd);
  unsigned Take(port_event_t* list, unsigned max);
  void CallBack();

  const int epoll_;
  std::mutex mutex_;
  std::uint32_t last_number_ = 0;
  std::map<int, Association> associations_;
  std::deque<port_event_t> queue_;
  std::optional<port_event_t> alert_;
  std::list<Waiter*> waiters_;
  bool calling_ = false;
};

}  // namespace netpoll::shim

#endif  // NETPOLL_TESTS_SHIMS_EVENT_PORTS_SHIM_PORT_H_
