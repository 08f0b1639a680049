// SPDX-License-Identifier: Apache-2.0
//
// The worlds in which the property test runs the same commands: descriptors
// with a peer that writes, reads and goes away. A world has
//
//   Backend                      the backend of its poller
//   kName                        for the test's name
//   poller                       a Lockstep<Backend>::ThePoller, initialised
//   Fd Make()                    a new descriptor with a new peer
//   void Destroy(Fd)             the system's close of it
//   void PeerWrites/PeerReads/PeerCloses(Fd)
//   bool Read(Fd), Write(Fd)     one attempt; false: it would block
//   bool CanRead(Fd), CanWrite(Fd)
//   void WouldBlock(Fd, Mode)    an attempt has found nothing
//   void Disturb(unsigned)       anything that the contract allows
//   void Calm()                  no event is held back by that any more
//   bool Quiet(reports)          polls have nothing left to report, if the last
//                                one reported so many
//   bool Stale(EventKey)         reports under that key; false: can't
//   int happened(FakeDisturbance)
//
// and is made from a FakeAdversary, which real systems do without.
//
// Another backend is one more world.

#ifndef NETPOLL_TESTS_PROPERTY_WORLDS_H_
#define NETPOLL_TESTS_PROPERTY_WORLDS_H_

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <map>
#include <memory>
#include <thread>

#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/backends/fake/fake_adversary.h"
#include "netpoll/backends/fake/fake_backend.h"
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/backends/fake/fake_kernel.h"
#include "netpoll/core/types.h"
#include "netpoll/model/reference/lockstep.h"

namespace netpoll {

// Pipes of messages over the fake kernel.
template <FakeTrigger kTheTrigger>
class FakeWorld {
 public:
  using Backend = FakeBackend<StdEnv, kTheTrigger>;
  static constexpr FakeTrigger kTrigger = kTheTrigger;
  static constexpr const char* kName = Name(kTheTrigger);

  explicit FakeWorld(const FakeAdversary& adversary) {
    static_cast<void>(poller.Init());  // The fake one can't fail.
    kernel_.set_adversary(adversary);
    kernel_.set_auto_advance(true);
  }

  Fd Make() {
    const Fd fd = kernel_.MakeFd();
    ends_[fd] = End{};
    kernel_.SetReady(fd, Mode::kWrite);
    return fd;
  }
  void Destroy(Fd fd) { kernel_.CloseFd(fd); }

  void PeerWrites(Fd fd) {
    if (ends_[fd].closed) return;
    ++ends_[fd].messages;
    kernel_.SetReady(fd, Mode::kRead);
  }
  void PeerReads(Fd fd) {
    if (ends_[fd].closed) return;
    ends_[fd].room = kRoom;
    kernel_.SetReady(fd, Mode::kWrite);
  }
  void PeerCloses(Fd fd) {
    ends_[fd].closed = true;
    kernel_.SetReady(fd, Mode::kReadWrite, {.no_more_edges = true});
  }

  bool Read(Fd fd) { return Take(fd, Mode::kRead, &ends_[fd].messages); }
  bool Write(Fd fd) { return Take(fd, Mode::kWrite, &ends_[fd].room); }
  bool CanRead(Fd fd) { return ends_[fd].closed || ends_[fd].messages > 0; }
  bool CanWrite(Fd fd) { return ends_[fd].closed || ends_[fd].room > 0; }

  // Where operations end, an attempt that would block begins one.
  void WouldBlock(Fd fd, Mode direction) {
    if (kTrigger == FakeTrigger::kCompletion) kernel_.Submit(fd, direction);
  }

  void Disturb(unsigned how) {
    if (how % 5 == 0) kernel_.Interrupt();
    if (how % 5 == 1) kernel_.set_max_events(1 + how / 5);
    if (how % 5 == 2) poller.Break();
    if (how % 5 == 3) kernel_.Hold();
    if (how % 5 == 4) kernel_.Release();
  }
  void Calm() { kernel_.Release(); }
  bool Quiet(std::size_t) { return kernel_.quiet(); }
  int happened(FakeDisturbance what) { return kernel_.happened(what); }
  bool Stale(EventKey key) {
    kernel_.Inject({key, Mode::kReadWrite, {true, true}});
    return true;
  }

 private:
  static constexpr int kRoom = 2;
  struct End {
    int messages = 0;
    int room = kRoom;
    bool closed = false;
  };

  bool Take(Fd fd, Mode direction, int* left) {
    if (ends_[fd].closed) return true;
    const bool taken = *left > 0;
    if (taken) --*left;
    if (*left == 0) kernel_.ClearReady(fd, direction);
    return taken;
  }

  FakeKernel<> kernel_;
  std::map<Fd, End> ends_;

 public:
  typename model::reference::Lockstep<Backend>::ThePoller poller{kernel_};
};

// Real sockets under a real backend.
template <class TheBackend>
class SocketWorld {
 public:
  using Backend = TheBackend;
  static constexpr const char* kName = Backend::kName;

  // Why this machine has no such backend, or null.
  static const char* WhyMissing() {
    if constexpr (requires { Backend::ExplainInit(0); }) {
      Backend trial;
      const int error = trial.Init();
      if (error == EPERM || error == ENOSYS) return Backend::ExplainInit(error);
    }
    return nullptr;
  }

  explicit SocketWorld(const FakeAdversary&) {}
  ~SocketWorld() {
    for (const auto& [fd, peer] : peers_) {
      if (peer >= 0) ::close(peer);
      ::close(fd);
    }
  }
  SocketWorld(const SocketWorld&) = delete;
  SocketWorld& operator=(const SocketWorld&) = delete;

  Fd Make() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                     ends) != 0) {
      return -1;
    }
    const int small = 4096;  // So that a few writes fill it.
    ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    peers_[ends[0]] = ends[1];
    return ends[0];
  }
  void Destroy(Fd fd) {
    PeerCloses(fd);
    peers_.erase(fd);
    ::close(fd);
  }

  void PeerWrites(Fd fd) {
    if (peers_[fd] >= 0) ::send(peers_[fd], "x", 1, MSG_NOSIGNAL);
  }
  void PeerReads(Fd fd) {
    while (peers_[fd] >= 0 &&
           ::read(peers_[fd], buffer_, sizeof(buffer_)) > 0) {
    }
  }
  void PeerCloses(Fd fd) {
    if (peers_[fd] >= 0) ::close(peers_[fd]);
    peers_[fd] = -1;
  }

  bool Read(Fd fd) { return ::read(fd, buffer_, 1) >= 0 || errno != EAGAIN; }
  bool Write(Fd fd) {
    return ::send(fd, buffer_, sizeof(buffer_), MSG_NOSIGNAL) >= 0 ||
           errno != EAGAIN;
  }
  bool CanRead(Fd fd) { return Can(fd, POLLIN); }
  bool CanWrite(Fd fd) { return Can(fd, POLLOUT); }

  void WouldBlock(Fd, Mode) {}
  void Disturb(unsigned) { poller.Break(); }
  void Calm() {}
  bool Quiet(std::size_t reports) { return reports == 0; }
  int happened(FakeDisturbance) { return 0; }
  bool Stale(EventKey) { return false; }

 private:
  static bool Can(Fd fd, short events) {
    pollfd one{fd, events, 0};
    return ::poll(&one, 1, 0) > 0;
  }

  std::map<Fd, Fd> peers_;
  char buffer_[1024] = {};

  using ThePoller = typename model::reference::Lockstep<Backend>::ThePoller;

  // A ring that was closed gives its locked memory back a little later: that
  // is waited for, whatever else is wrong shows in the test.
  static std::unique_ptr<ThePoller> Start() {
    for (;;) {
      auto made = std::make_unique<ThePoller>();
      if (made->Init() != ENOMEM) return made;
      made = nullptr;
      std::this_thread::yield();
    }
  }
  const std::unique_ptr<ThePoller> started_ = Start();

 public:
  ThePoller& poller = *started_;
};

}  // namespace netpoll

#endif  // NETPOLL_TESTS_PROPERTY_WORLDS_H_
