// SPDX-License-Identifier: Apache-2.0
//
// The threads that go on for ever, and what must not last: the configurations
// of runs of any length.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "netpoll/model/reference/status_table.h"
#include "netpoll/model/scenarios/descriptor_world.h"
#include "netpoll/model/scenarios/endless_kernel.h"

namespace netpoll::model {
namespace {

using Step = std::optional<int>;

// A task comes, unless the descriptor is being closed or is closed.
Step Come(Users& users, std::int64_t) {
  if (users.shut) return std::nullopt;
  ++users.count;
  return 0;
}
Step Go(Users& users, std::int64_t) {
  --users.count;
  return 0;
}

Step Shut(Users& users, std::int64_t) {
  users.shut = true;
  return 0;
}
Step NobodyIsLeft(Users& users, std::int64_t) {
  if (users.count != 0) return std::nullopt;
  return 0;
}
Step Opened(Users& users, std::int64_t) {
  users.shut = false;
  return 0;
}

}  // namespace

// Reads or writes until an error, and comes back.
void DescriptorWorld::EndlessUserBody(Thread& thread, Mode direction,
                                      WaitKind kind, Task* task) {
  const bool short_reads = cast_.short_reads && direction == Mode::kRead;
  for (;;) {
    thread.SetNote({});
    thread.Mark("outside");
    Thread::MayCall("user.comes", users_, Come);
    bool drained = false;
    while (Round(thread, direction, kind, 0, short_reads, &drained, task) ==
           PollError::kNone) {
    }
    thread.Mark("leave");
    Thread::Call("user.goes", users_, Go);
  }
}

void DescriptorWorld::EndlessSetterBody(
    Thread& thread, const std::vector<DeadlineMove>& moves) {
  for (;;) {
    thread.Mark("outside");
    Thread::MayCall("setter.comes", users_, Come);
    const std::size_t which = static_cast<std::size_t>(
        Thread::Choose("setter.move", static_cast<int>(moves.size())));
    const DeadlineResult result =
        poller_.SetDeadline(desc_, moves[which].mode, moves[which].deadline);
    Release(thread, result.wake);
    thread.Mark("leave");
    Thread::Call("setter.goes", users_, Go);
  }
}

void DescriptorWorld::EndlessClockBody(Thread& thread) {
  for (;;) {
    thread.SetNote({});
    thread.Mark("time");
    thread.May("clock.passes");
    std::int64_t now = cast_.times[0];
    if (cast_.times.size() > 1) {
      now = cast_.times[static_cast<std::size_t>(
          Thread::Choose("clock.time", static_cast<int>(cast_.times.size())))];
    }
    if (cast_.asks) Thread::Call("clock.news", kernel_, kernel::TimePasses);
    Expire(thread, now);
  }
}

void DescriptorWorld::EndlessCloserBody(Thread& thread) {
  for (;;) {
    thread.SetNote({});
    thread.Mark("open");
    Thread::MayCall("closer.shuts", users_, Shut);
    Thread::Await("closer.may", kernel_, kernel::MayClose);
    Release(thread, poller_.Unblock(desc_));
    thread.Mark("unblocked");
    Thread::Await("closer.wait", users_, NobodyIsLeft);
    poller_.Close(desc_);
    thread.SetNote({});
    thread.Mark("closed");
    thread.May("closer.opens");
    auto opened = poller_.Open(3);
    if (opened.desc != desc_) thread.Fail("S9: the pool lost the slot");
    thread.Mark("opened");
    Thread::Call("closer.opened", users_, Opened);
  }
}

const char* DescriptorWorld::Passing(int law) {
  if (law < static_cast<int>(users_info_.size())) {
    return "L11: a task stays parked for ever, and what it waits for has come";
  }
  if (law == static_cast<int>(users_info_.size()) && closer_ >= 0) {
    return "L12: a close never comes to its end";
  }
  return nullptr;
}

int DescriptorWorld::Lasting(int law) {
  const auto user = static_cast<std::size_t>(law);
  return user < users_info_.size() ? users_info_[user].thread : closer_;
}

bool DescriptorWorld::Lasts(const View& view, int law) {
  if (law == static_cast<int>(users_info_.size())) {
    return !view.Next(closer_).optional && !view.ended(closer_);
  }
  const UserInfo& user = users_info_[static_cast<std::size_t>(law)];
  if (!view.parked(user.thread)) return false;
  const Kernel& kernel = view.Of(kernel_);
  const bool read = user.direction == Mode::kRead;
  if (kernel.registered && (read ? kernel.unread : kernel.room) != 0) {
    return true;
  }
  if (user.kind == WaitKind::kUntilReady) return false;
  const StatusWord status = view.Of(*status_);
  return (status & (reference::kClosing | (read ? reference::kReadExpired
                                                : reference::kWriteExpired))) !=
         0;
}

}  // namespace netpoll::model
