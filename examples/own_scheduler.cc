// SPDX-License-Identifier: Apache-2.0
//
// The poller under somebody else's scheduler: here each task is a state
// machine and the scheduler is a queue and a loop, on one thread. Two tasks
// play ping-pong over a socket pair until one of them stops, and the other
// meets its deadline. Nothing but the core and one backend is used, and that
// is named in two places: its header, and the type Poller below.

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/worker_glue.h"

namespace {

using Poller = netpoll::Poller<netpoll::EpollBackend<>>;
using netpoll::Mode, netpoll::PollError, netpoll::PollResult, netpoll::PollTurn,
    netpoll::WaitResult;

constexpr int kRounds = 3;

// What a scheduler keeps for a task; the poller needs the Waiter in it.
struct Player : netpoll::Waiter {
  Player(const char* player, int socket, Poller::Desc* registered)
      : name(player), fd(socket), desc(registered) {}
  const char* const name;
  const int fd;
  Poller::Desc* const desc;
  int rounds = 0;
  bool waits = false;
};

std::int64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

void Send(const Player& player) {
  if (write(player.fd, "*", 1) != 1) std::abort();
}

enum class Outcome { kEnded, kParked, kRunnable };

// One byte in, one byte back.
Outcome Round(Player& player) {
  std::printf("%s: round %d\n", player.name, ++player.rounds);
  if (player.rounds == kRounds) return Outcome::kEnded;
  Send(player);
  return Outcome::kRunnable;
}

// Reads one byte, waiting for it as long as it takes.
Outcome Step(Poller& poller, Player& player) {
  WaitResult wait =
      player.waits ? poller.Resume(player.desc, Mode::kRead, &player)
                   : WaitResult::Ended(poller.Reset(player.desc, Mode::kRead));
  char byte;
  while (wait.ready()) {
    player.waits = false;
    if (read(player.fd, &byte, 1) == 1) return Round(player);
    player.waits = true;  // Before it may be parked: afterwards hands off.
    wait = poller.Park(player.desc, Mode::kRead, &player);
  }
  if (wait.parked()) return Outcome::kParked;
  std::printf("%s: %s\n", player.name, netpoll::Name(wait.error()));
  return Outcome::kEnded;
}

void Play(Poller& poller, Player& ping, Player& pong) {
  netpoll::WaiterList runnable;
  runnable.Push(&ping);
  runnable.Push(&pong);
  for (int running = 2; running > 0;) {
    while (netpoll::Waiter* const waiter = runnable.Pop()) {
      switch (Step(poller, *static_cast<Player*>(waiter))) {
        case Outcome::kEnded:
          --running;
          break;
        case Outcome::kRunnable:
          runnable.Push(waiter);
          break;
        case Outcome::kParked:
          break;
      }
    }
    if (running == 0) break;
    PollResult result = PollTurn(poller, poller.NextDeadline(), Now);
    runnable.Append(result.ready);               // First runnable,
    poller.AdjustWaiters(result.waiters_delta);  // then the count.
  }
}

}  // namespace

int main() {
  Poller poller;
  int fds[2];
  if (poller.Init() != 0 ||
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0) {
    return 1;
  }
  Player ping("ping", fds[0], poller.Open(fds[0]).desc);
  Player pong("pong", fds[1], poller.Open(fds[1]).desc);
  const auto deadline =
      netpoll::Deadline::After(Now(), std::chrono::milliseconds(50));
  static_cast<void>(poller.SetDeadline(ping.desc, Mode::kRead, deadline));
  Send(ping);
  Play(poller, ping, pong);
  for (Player* const player : {&ping, &pong}) {
    static_cast<void>(poller.Unblock(player->desc));
    poller.Close(player->desc);
    close(player->fd);
  }
}
