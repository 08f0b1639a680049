// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tests/differential/reference_runner.h"

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/core/types.h"
#include "netpoll/tools/cli/scenario/socket_pair.h"

namespace netpoll::differential {
namespace {

using model::reference::ReferenceDescriptor;
using model::reference::Wait;
using model::reference::Woken;
using scenario::DeadlineKind;
using scenario::Describe;
using scenario::Outcome;
using scenario::Statement;
using scenario::TaskKind;
using scenario::Verb;

constexpr std::int64_t kNanosPerMilli = 1'000'000;
constexpr std::int64_t kChunk = 65536;

// Calls until one fails or meets the end; what that one returned.
template <class Call>
Outcome All(Call call) {
  std::int64_t result = 0;
  do {
    result = call();
  } while (result > 0);
  return Outcome::Result(Describe(result));
}

Outcome One(std::int64_t result) { return Outcome::Result(Describe(result)); }

}  // namespace

Outcome ReferenceRunner::Execute(const Statement& s) {
  if (s.verb == Verb::kSleep) {
    Sleep(s.number);
    return Outcome::Nothing();
  }
  if (s.verb == Verb::kTask) {
    const Task* const task = FindTask(s.task);
    if (task == nullptr) return Outcome::Wrong("no such task");
    return Outcome::Result(task->result.empty() ? "parked" : task->result);
  }
  Descriptor* const d = Find(s.descriptor);
  if ((d == nullptr) != (s.verb == Verb::kOpen)) {
    return Outcome::Wrong("not open, or open already");
  }
  if (d == nullptr) return Open(s.descriptor);
  Outcome outcome = OnDescriptor(s, *d);
  Settle();
  return outcome;
}

Outcome ReferenceRunner::Open(const std::string& name) {
  descriptors_[name].poll.Open();
  Settle();
  return Outcome::Result("0");
}

Outcome ReferenceRunner::OnDescriptor(const Statement& s, Descriptor& d) {
  SocketModel& socket = d.socket;
  switch (s.verb) {
    case Verb::kReset:
      if (!d.parked(s.mode).empty()) return Outcome::Wrong("a task waits");
      return Outcome::Result(Name(d.poll.Reset(s.mode)));
    case Verb::kWait:
      return Start(s, d, TaskKind::kWait, s.mode);
    case Verb::kReader:
      return Start(s, d, TaskKind::kReader, Mode::kRead);
    case Verb::kWriter:
      return Start(s, d, TaskKind::kWriter, Mode::kWrite);
    case Verb::kRead:
      return One(socket.Read(s.number));
    case Verb::kWrite:
      return One(socket.Write(s.number));
    case Verb::kPeerRead:
      return One(socket.PeerRead(s.number));
    case Verb::kPeerWrite:
      return One(socket.PeerWrite(s.number));
    case Verb::kFill:
      return All([&] { return socket.Write(kChunk); });
    case Verb::kDrain:
      return All([&] { return socket.Read(kChunk); });
    case Verb::kPeerDrain:
      return All([&] { return socket.PeerRead(kChunk); });
    case Verb::kPeerClose:
    case Verb::kPeerShutdown:
      if (socket.peer_closed()) return Outcome::Wrong("no peer");
      if (s.verb == Verb::kPeerClose) {
        socket.ClosePeer();
      } else {
        socket.ShutDownPeer();
      }
      return Outcome::Nothing();
    case Verb::kDeadline:
      SetDeadline(s, d);
      return Outcome::Nothing();
    case Verb::kUnblock:
      if (d.poll.closing()) return Outcome::Wrong("a second unblock");
      Resume(d, d.poll.Unblock());
      return Outcome::Nothing();
    default:
      if (!d.poll.closing() || !d.reader.empty() || !d.writer.empty()) {
        return Outcome::Wrong("close too early");
      }
      descriptors_.erase(s.descriptor);
      return Outcome::Nothing();
  }
}

Outcome ReferenceRunner::Start(const Statement& s, Descriptor& d, TaskKind kind,
                               Mode direction) {
  const Task* const old = FindTask(s.task);
  if (!d.parked(direction).empty() || (old != nullptr && old->result.empty())) {
    return Outcome::Wrong("the direction or the name is taken");
  }
  Task& task = tasks_[s.task] = Task{kind, direction, s.number, 0, {}};
  d.parked(direction) = s.task;
  if (kind != TaskKind::kWait) {
    const PollError error = d.poll.Reset(direction);
    if (error != PollError::kNone) {
      End(d, task, Name(error));
      return Outcome::Nothing();
    }
    if (TryTask(d, task)) return Outcome::Nothing();
  }
  RunTask(d, direction);
  return Outcome::Nothing();
}

// From Prepare on.
void ReferenceRunner::RunTask(Descriptor& d, Mode direction) {
  Task& task = tasks_[d.parked(direction)];
  for (;;) {
    const Wait wait = d.poll.Prepare(direction, false);
    if (wait.park) {
      d.poll.Commit(direction);
      return;
    }
    if (wait.error != PollError::kNone) {
      return End(d, task, Name(wait.error));
    }
    if (TryTask(d, task)) return;
  }
}

// One attempt. True: the task has ended.
bool ReferenceRunner::TryTask(Descriptor& d, Task& task) {
  if (task.kind == TaskKind::kWait) {
    End(d, task, "ok");
    return true;
  }
  if (task.kind == TaskKind::kReader) {
    const std::int64_t result = d.socket.Read(task.bytes);
    if (result == -EAGAIN) return false;
    End(d, task, result == 0 ? "eof" : Describe(result));
    return true;
  }
  while (task.moved < task.bytes) {
    const std::int64_t result = d.socket.Write(task.bytes - task.moved);
    if (result == -EAGAIN) return false;
    if (result < 0) {
      End(d, task, Describe(result));
      return true;
    }
    task.moved += result;
  }
  End(d, task, Describe(task.moved));
  return true;
}

void ReferenceRunner::End(Descriptor& d, Task& task, std::string result) {
  task.result = std::move(result);
  d.parked(task.direction).clear();
}

void ReferenceRunner::Resume(Descriptor& d, Woken woken) {
  for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
    if (!(direction == Mode::kRead ? woken.read : woken.write)) continue;
    Task& task = tasks_[d.parked(direction)];
    const Wait wait = d.poll.Finish(direction, false);
    if (!wait.park && wait.error != PollError::kNone) {
      End(d, task, Name(wait.error));
    } else if (wait.park || !TryTask(d, task)) {
      RunTask(d, direction);
    }
  }
}

void ReferenceRunner::SetDeadline(const Statement& s, Descriptor& d) {
  const bool read = Has(s.mode, Mode::kRead);
  const bool write = Has(s.mode, Mode::kWrite);
  if (s.deadline == DeadlineKind::kPast) {
    return Resume(d, d.poll.PassDeadline(read, write));
  }
  std::int64_t when = ReferenceDescriptor::kNever;
  if (s.deadline == DeadlineKind::kAfter &&
      s.number < (when - now_) / kNanosPerMilli) {
    when = now_ + s.number * kNanosPerMilli;
  }
  Resume(d, d.poll.SetDeadline(read, write, when));
}

void ReferenceRunner::Sleep(std::int64_t millis) {
  now_ += millis * kNanosPerMilli;
  for (auto& [name, d] : descriptors_) Resume(d, d.poll.Expire(now_));
}

void ReferenceRunner::Settle() {
  for (auto& [name, d] : descriptors_) {
    while (const unsigned edges = d.socket.TakeEdges()) {
      Resume(d, d.poll.Happens((edges & 1) != 0, (edges & 2) != 0, {}));
    }
  }
}

ReferenceRunner::Descriptor* ReferenceRunner::Find(const std::string& name) {
  const auto found = descriptors_.find(name);
  return found == descriptors_.end() ? nullptr : &found->second;
}

const ReferenceRunner::Task* ReferenceRunner::FindTask(
    const std::string& name) const {
  const auto found = tasks_.find(name);
  return found == tasks_.end() ? nullptr : &found->second;
}

std::vector<std::string> ReferenceRunner::Parked() const {
  std::vector<std::string> names;
  for (const auto& [name, task] : tasks_) {
    if (task.result.empty()) names.push_back(name);
  }
  return names;
}

}  // namespace netpoll::differential
