// SPDX-License-Identifier: Apache-2.0
//
// A chat: what one member writes, a line at a time, all others read. Who reads
// too slowly misses lines, and holds nobody up. When the listener is closed all
// members are sent home, and Serve ends when the last has left.

#ifndef NETPOLL_EXAMPLES_CHAT_H_
#define NETPOLL_EXAMPLES_CHAT_H_

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "netpoll/runtime/buffered_reader.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/channel.h"
#include "netpoll/runtime/mutex.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task_group.h"
#include "netpoll/runtime/when_all.h"

class Chat {
 public:
  explicit Chat(netpoll::Runtime& runtime) : runtime_(runtime) {}

  netpoll::Task<> Serve(netpoll::Listener& listener) {
    co_await netpoll::WithTaskGroup(
        runtime_, [&](netpoll::TaskGroup& group) -> netpoll::Task<> {
          for (;;) {
            netpoll::AcceptResult accepted = co_await listener.Accept();
            if (accepted.status.closing()) break;
            if (accepted.ok()) {
              group.Spawn(Member(std::move(accepted.socket)));
            } else {
              co_await runtime_.Sleep(std::chrono::milliseconds(100));
            }
          }
          group.Cancel();
        });
  }

 private:
  using Line = std::shared_ptr<const std::string>;
  using Lines = netpoll::Channel<Line>;

  // Until the member leaves, or can't be written to.
  netpoll::Task<> Member(netpoll::Socket socket) {
    Lines lines(64);
    {
      const netpoll::MutexGuard guard = co_await mutex_.Lock();
      if (guard.ok()) members_.insert(&lines);
    }
    (void)co_await netpoll::WhenAny(Listens(socket, lines),
                                    Speaks(socket, lines));
    const auto guard = co_await netpoll::Shielded(mutex_.Lock());
    members_.erase(&lines);
  }

  netpoll::Task<> Speaks(netpoll::Socket& socket, Lines& own) {
    netpoll::BufferedReader reader(socket);
    for (;;) {
      const netpoll::ReadResult got = co_await reader.ReadUntil('\n');
      if (!got.ok()) co_return;
      const auto line = std::make_shared<const std::string>(got.data);
      const netpoll::MutexGuard guard = co_await mutex_.Lock();
      for (Lines* const member : members_) {
        if (member != &own) (void)member->TrySend(Line(line));
      }
    }
  }

  static netpoll::Task<> Listens(netpoll::Socket& socket, Lines& lines) {
    for (;;) {
      const netpoll::Received<Line> got = co_await lines.Receive();
      if (!got.ok()) co_return;
      const netpoll::IoResult put = co_await socket.Write(**got.item);
      if (!put.ok()) co_return;
    }
  }

  netpoll::Runtime& runtime_;
  netpoll::Mutex mutex_;
  std::set<Lines*> members_;  // Guarded by mutex_.
};

#endif  // NETPOLL_EXAMPLES_CHAT_H_
