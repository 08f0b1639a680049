// SPDX-License-Identifier: Apache-2.0
//
// The functions of port.h: which port a descriptor is, and errno.
#include <fcntl.h>
#include <port.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <map>
#include <memory>
#include <mutex>

#include "netpoll/tests/shims/event_ports/shim_port.h"

namespace {

using netpoll::shim::Port;

int Return(int error) {
  if (error == 0) return 0;
  errno = error;
  return -1;
}

// The ports by descriptor. Nobody tells when one is closed: it is replaced
// when its number is used again.
class Ports {
 public:
  static Ports& Get() {
    static Ports* const ports = new Ports;
    return *ports;
  }

  void Set(int fd, std::shared_ptr<Port> port) {
    const std::lock_guard<std::mutex> hold(mutex_);
    ports_[fd] = std::move(port);
  }
  std::shared_ptr<Port> Find(int fd) {
    const std::lock_guard<std::mutex> hold(mutex_);
    const auto found = ports_.find(fd);
    return found == ports_.end() ? nullptr : found->second;
  }

 private:
  std::mutex mutex_;
  std::map<int, std::shared_ptr<Port>> ports_;
};

// Calls f on the port that `fd` is.
template <class F>
int OnPort(int fd, F f) {
  if (::fcntl(fd, F_GETFD) < 0) return Return(EBADF);
  const std::shared_ptr<Port> port = Ports::Get().Find(fd);
  if (port == nullptr) return Return(EBADFD);
  return Return(f(*port));
}

}  // namespace

extern "C" {

int port_create(void) {
  const int fd = ::epoll_create1(0);
  if (fd < 0) return -1;
  auto port = std::make_shared<Port>(fd);
  const int error = port->Init();
  if (error != 0) {
    ::close(fd);
    return Return(error);
  }
  Ports::Get().Set(fd, std::move(port));
  return fd;
}

int port_associate(int port, int source, uintptr_t object, int events,
                   void* user) {
  return OnPort(port, [&](Port& p) {
    if (source != PORT_SOURCE_FD) return EINVAL;
    if (object > INT_MAX) return EBADFD;
    return p.Associate(static_cast<int>(object), events, user);
  });
}

int port_dissociate(int port, int source, uintptr_t object) {
  return OnPort(port, [&](Port& p) {
    if (source != PORT_SOURCE_FD) return EINVAL;
    if (object > INT_MAX) return EBADFD;
    return p.Dissociate(static_cast<int>(object));
  });
}

int port_get(int port, port_event_t* event, struct timespec* timeout) {
  unsigned count = 1;
  const int result = port_getn(port, event, 1, &count, timeout);
  return result == 0 && count == 0 ? Return(ETIME) : result;
}

int port_getn(int port, port_event_t list[], unsigned max, unsigned* nget,
              struct timespec* timeout) {
  return OnPort(port,
                [&](Port& p) { return p.GetN(list, max, nget, timeout); });
}

int port_alert(int port, int flags, int events, void* user) {
  return OnPort(port, [&](Port& p) { return p.Alert(flags, events, user); });
}

}  // extern "C"
