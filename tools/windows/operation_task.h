// SPDX-License-Identifier: Apache-2.0
//
// A task of a scenario over completions: what scenario/task.h is over
// readiness. It parks while its call is under way; a deadline or a close
// cancels the call, and the task ends when the call has.

#ifndef NETPOLL_TOOLS_WINDOWS_OPERATION_TASK_H_
#define NETPOLL_TOOLS_WINDOWS_OPERATION_TASK_H_

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/core/event_key.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/iocp/iocp_calls.h"
#include "netpoll/tools/cli/scenario/task.h"
#include "netpoll/tools/windows/tcp_pair.h"

namespace netpoll::scenario {

template <>
inline constexpr bool kHasBareWait<windows::TcpSockets> = false;

// A reader or a writer.
template <class Poller>
class Task<Poller, windows::TcpSockets> : public Waiter {
 public:
  using Desc = typename Poller::Desc;

  Task(Poller& poller, Desc* desc, windows::TcpEnd end, TaskKind,
       Mode direction, std::int64_t bytes)
      : poller_(poller),
        desc_(desc),
        pair_(*end.pair),
        direction_(direction),
        bytes_(bytes) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  bool ended() const { return !result_.empty(); }
  // "parked", or what it ended with.
  std::string state() const { return ended() ? result_ : "parked"; }

  // Whether its call is certain to end.
  bool due() const {
    if (asked_ != PollError::kNone) return true;
    return direction_ == Mode::kRead ? pair_.ReadIsDue()
                                     : pair_.WriteIsDue(bytes_ - moved_);
  }

  // Runs until it parks or ends.
  void Start() {
    operation_ = poller_.backend().NewOperation(
        EventKey::ForSlot(desc_->index(), desc_->generation()), direction_);
    if (operation_ == nullptr) return End(Describe(-ENOMEM));
    buffer_.resize(static_cast<std::size_t>(std::min(bytes_, kMostBuffer)));
    if (Begin()) Go(Park());
  }

  // Somebody took it from a WaiterList: runs until it parks or ends.
  void Resume() { Go(poller_.Resume(desc_, direction_, this, kind())); }

 private:
  static constexpr std::int64_t kMostBuffer = std::int64_t{1} << 24;

  WaitKind kind() const {
    return asked_ == PollError::kNone ? WaitKind::kOrError
                                      : WaitKind::kUntilReady;
  }

  WaitResult Park() { return poller_.Park(desc_, direction_, this, kind()); }

  // Until it parks or ends.
  void Go(WaitResult wait) {
    while (!wait.parked()) {
      if (!wait.ready()) {
        asked_ = wait.error();
        poller_.backend().Cancel(desc_->fd(), operation_);
      } else if (operation_->done()) {
        const PollError asked = std::exchange(asked_, PollError::kNone);
        if (Took(IocpFinish(poller_.backend(), desc_->fd(), operation_,
                            asked))) {
          return;
        }
      }
      wait = Park();
    }
  }

  // Begins the next call. False: the task has ended.
  bool Begin() {
    for (;;) {
      const PollError error = poller_.Reset(desc_, direction_);
      if (error != PollError::kNone) {
        End(Name(error));
        return false;
      }
      const IocpStarted started = Call();
      if (started.pending) return true;
      if (Ends(started.result)) return false;
    }
  }

  IocpStarted Call() {
    auto& backend = poller_.backend();
    const auto size =
        std::min(static_cast<std::size_t>(bytes_ - moved_), buffer_.size());
    if (direction_ == Mode::kRead) {
      return IocpReceive(backend, desc_->fd(), operation_, buffer_.data(),
                         size);
    }
    return IocpSend(backend, desc_->fd(), operation_, buffer_.data(), size);
  }

  // True: the task has ended; false: its next call is under way.
  bool Took(const IoResult& result) { return Ends(result) || !Begin(); }

  bool Ends(const IoResult& result) {
    const PollError ended_by = result.status.poll_error();
    if (ended_by != PollError::kNone) {
      End(Name(ended_by));
    } else if (result.status.error_number() != 0) {
      End(Describe(-result.status.error_number()));
    } else if (direction_ == Mode::kRead) {
      pair_.TaskHasRead(result.bytes);
      End(result.bytes == 0 ? "eof" : Describe(result.bytes));
    } else {
      pair_.TaskHasWritten(result.bytes);
      moved_ += result.bytes;
      if (moved_ == bytes_) End(Describe(moved_));
    }
    return ended();
  }

  void End(std::string result) {
    result_ = std::move(result);
    if (operation_ != nullptr) poller_.backend().FreeOperation(operation_);
    operation_ = nullptr;
  }

  Poller& poller_;
  Desc* desc_;
  windows::TcpPair& pair_;
  Mode direction_;
  std::int64_t bytes_;
  std::int64_t moved_ = 0;
  std::vector<char> buffer_;
  IocpOperation<StdEnv>* operation_ = nullptr;
  PollError asked_ =
      PollError::kNone;  // Why the call was cancelled, if it was.
  std::string result_;   // Empty: not ended.
};

}  // namespace netpoll::scenario

#endif  // NETPOLL_TOOLS_WINDOWS_OPERATION_TASK_H_
