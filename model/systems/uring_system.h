// SPDX-License-Identifier: Apache-2.0
//
// What the model's io_uring does: the requests that the backend makes, the
// completions that come of them, and the ways in which Linux may be late:
//   - a poll's completion is made by the thread that armed it, some time after
//     the edge; several edges may be one completion;
//   - that thread may be gone: the poll ends (ECANCELED) at its next event;
//   - a poll that finds no room for its completion ends;
//   - a poll holds its file until a moment after its last completion, which the
//     next request of another thread waits for;
//   - completions beyond the ring's room are kept aside until somebody enters
//     the ring to fetch them;
//   - for a while no request is taken (EAGAIN): until somebody pauses.

#ifndef NETPOLL_MODEL_SYSTEMS_URING_SYSTEM_H_
#define NETPOLL_MODEL_SYSTEMS_URING_SYSTEM_H_

#include <linux/io_uring.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netpoll/core/event_key.h"
#include "netpoll/model/systems/backend_world.h"

namespace netpoll::model {

// A key in a byte.
struct ShortKey {
  static std::uint8_t Of(std::uint64_t bits) {
    const EventKey key = EventKey::FromBits(bits);
    if (key.internal()) return static_cast<std::uint8_t>(0x80 | key.index());
    return static_cast<std::uint8_t>(key.generation() << 2 | key.index());
  }
  static std::uint64_t Bits(std::uint8_t key) {
    if ((key & 0x80) != 0) return EventKey::Internal(key & 0x7f).bits();
    return EventKey::ForSlot(key & 3, key >> 2).bits();
  }
};

struct UringCompletion {
  std::uint8_t key = 0;
  bool more = false;
  std::int16_t result = 0;
  friend bool operator==(const UringCompletion&,
                         const UringCompletion&) = default;
};

// What is asked of the ring, packed into the argument of a step.
struct UringRequest {
  enum What : std::uint8_t { kPoll, kCancel, kNothing };
  What what = kNothing;
  bool silent = false;      // No completion if it succeeds.
  std::uint8_t key = 0;     // Of its own completion.
  std::uint8_t other = 0;   // Poll: the file. Cancel: the key of the poll.
  std::uint8_t thread = 0;  // Who enters.
  std::uint8_t tail = 0;    // What the submission queue says.

  std::int64_t Pack() const {
    return std::int64_t{what} | std::int64_t{silent} << 4 |
           std::int64_t{key} << 8 | std::int64_t{other} << 16 |
           std::int64_t{thread} << 24 | std::int64_t{tail} << 32;
  }
  static UringRequest Of(std::int64_t packed) {
    const auto byte = [packed](int shift) {
      return static_cast<std::uint8_t>(packed >> shift & 255);
    };
    return {static_cast<What>(packed & 15),
            (packed >> 4 & 1) != 0,
            byte(8),
            byte(16),
            byte(24),
            byte(32)};
  }
};

struct UringSystem : BackendFiles {
  // A multishot poll. Idle -> armed by a request; -> canceled by another; ->
  // ended with its last completion, by the thread that armed it; -> idle when
  // that thread has let go of the file.
  struct Poll {
    enum State : std::uint8_t { kIdle, kArmed, kCanceled, kEnded };
    State state = kIdle;
    std::uint8_t key = 0;
    std::uint8_t life = 0;  // Of the file.
    std::uint8_t thread = 0;
    std::uint8_t pending = 0;  // Events that no completion has told.
    bool orphan = false;       // The thread that armed it is gone.
    friend bool operator==(const Poll&, const Poll&) = default;
  };
  static constexpr std::size_t kMostRoom = 4;

  std::uint8_t room = kMostRoom;  // Of the completion queue.
  bool short_of_memory = false;   // No request is taken.
  std::uint8_t ended = 0;         // The thread that has, if one has.
  std::uint8_t taken = 0;         // Requests, so far.
  std::uint8_t head = 0;          // Of completions: the backend's.
  std::uint8_t tail = 0;          // The kernel's.
  Poll polls[kFiles];             // By file.
  // Those in the queue, the oldest first; then those kept aside.
  std::vector<UringCompletion> queue;
  std::vector<UringCompletion> aside;

  bool Full() const { return queue.size() >= room; }
  void Post(const UringCompletion& completion) {
    if (Full() || !aside.empty()) return aside.push_back(completion);
    queue.push_back(completion);
    ++tail;
  }
  // Somebody entered to fetch.
  void Flush() {
    while (!aside.empty() && !Full()) {
      queue.push_back(aside.front());
      aside.erase(aside.begin());
      ++tail;
    }
  }
  void Came(int file, int bits) {
    Poll& poll = polls[file];
    if (poll.state != Poll::kArmed || poll.life != files[file].life) return;
    poll.pending |= static_cast<std::uint8_t>(bits);
  }

  std::optional<int> Readable() const {
    if (queue.empty() && aside.empty()) return std::nullopt;
    return 0;
  }
  std::string Text() const {
    std::string text = BackendFiles::Text();
    for (const Poll& poll : polls) {
      constexpr const char* kStates[] = {"", " armed", " canceled", " ended"};
      text += kStates[poll.state];
      if (poll.pending != 0) text += "!";
    }
    for (const UringCompletion& one : queue) text += Text(one);
    if (!aside.empty()) text += " aside";
    for (const UringCompletion& one : aside) text += Text(one);
    return text;
  }
  static std::string Text(const UringCompletion& one) {
    const std::string who = (one.key & 0x80) != 0
                                ? "sign" + std::to_string(one.key & 0x7f)
                                : std::to_string(one.key >> 2);
    return " <" + who + (one.more ? "" : ".") +
           (one.result < 0 ? " " + std::to_string(one.result) : "") + ">";
  }
  friend bool operator==(const UringSystem&, const UringSystem&) = default;
};

namespace uring_system {

using Step = std::optional<int>;
using Poll = UringSystem::Poll;

inline std::int16_t ResultOf(std::uint8_t events) {
  return static_cast<std::int16_t>(((events & 1) != 0 ? POLLIN : 0) |
                                   ((events & 2) != 0 ? POLLOUT : 0) |
                                   ((events & 4) != 0 ? POLLHUP : 0));
}

// The thread that armed the poll tells of what there is.
inline void Tell(UringSystem& system, Poll& poll) {
  const bool gone = poll.state == Poll::kCanceled || poll.orphan;
  const std::int16_t result =
      gone ? std::int16_t{-ECANCELED} : ResultOf(poll.pending);
  // No room for what it has to tell: it ends, and tells of that.
  const bool ends = gone || system.Full() || !system.aside.empty();
  poll.pending = 0;
  if (ends) poll.state = Poll::kEnded;
  system.Post({poll.key, !ends, result});
}

// Some thread has told of an end and not yet let go, inside the kernel's lock.
constexpr int kAnother = 0x7f;

inline bool Locked(const UringSystem& system) {
  for (const Poll& poll : system.polls) {
    if (poll.state == Poll::kEnded) return true;
  }
  return false;
}

inline void Arm(UringSystem& system, const UringRequest& request) {
  const BackendFile& file = system.files[request.other];
  Poll& poll = system.polls[request.other];
  poll = {Poll::kArmed, request.key, file.life, request.thread};
  poll.pending = file.ready();
  if (poll.pending == 0) return;
  Tell(system, poll);
  if (poll.state == Poll::kEnded) poll = {};
}

inline void Cancel(UringSystem& system, const UringRequest& request) {
  for (Poll& poll : system.polls) {
    if (poll.state != Poll::kArmed || poll.key != request.other) continue;
    poll.state = Poll::kCanceled;
    // Who armed it tells at once, and lets go.
    if (poll.thread == request.thread) {
      Tell(system, poll);
      poll = {};
    }
    if (!request.silent) system.Post({request.key, false, 0});
    return;
  }
  system.Post({request.key, false, -ENOENT});
}

enum Submitted : int { kNone, kTaken, kRefused, kLost, kTwoPolls };

inline Step Submit(UringSystem& system, std::int64_t packed) {
  if (Locked(system)) return std::nullopt;
  const UringRequest request = UringRequest::Of(packed);
  if (request.tail != static_cast<std::uint8_t>(system.taken + 1)) return kLost;
  if (system.short_of_memory) return kRefused;
  ++system.taken;
  switch (request.what) {
    case UringRequest::kPoll:
      if (system.polls[request.other].state != Poll::kIdle) return kTwoPolls;
      Arm(system, request);
      break;
    case UringRequest::kCancel:
      Cancel(system, request);
      break;
    case UringRequest::kNothing:
      if (!request.silent) system.Post({request.key, false, 0});
      break;
  }
  return kTaken;
}

inline Step Wait(UringSystem& system, std::int64_t count) {
  if (system.queue.size() + system.aside.size() <
      static_cast<std::size_t>(count)) {
    return std::nullopt;
  }
  system.Flush();
  return 0;
}
// With a limit, by a Close. Time is long: the limit is over when the kernel has
// no poll left of a file that is being closed.
inline Step WaitOrNot(UringSystem& system, std::int64_t count) {
  if (const Step waited = Wait(system, count)) return waited;
  for (int file = 0; file < BackendFiles::kFiles; ++file) {
    const Poll::State state = system.polls[file].state;
    const bool has = state == Poll::kArmed || state == Poll::kCanceled;
    if (has && system.files[file].leaves) return std::nullopt;
  }
  return 1;
}
inline Step RunShort(UringSystem& system, std::int64_t) {
  system.short_of_memory = true;
  return 0;
}
inline Step Pause(UringSystem& system, std::int64_t) {
  system.short_of_memory = false;
  return 0;
}
inline Step FetchAside(UringSystem& system, std::int64_t) {
  system.Flush();
  return 0;
}
inline Step Overflown(UringSystem& system, std::int64_t) {
  return system.aside.empty() ? 0 : 1;
}

// The backend says how far it has read.
inline Step StoreHead(UringSystem& system, std::int64_t head) {
  if (system.queue.empty() || static_cast<std::uint8_t>(head) !=
                                  static_cast<std::uint8_t>(system.head + 1)) {
    return 1;
  }
  ++system.head;
  system.queue.erase(system.queue.begin());
  return 0;
}

// What the thread that armed a file's poll does for it, sooner or later.
inline Step Work(UringSystem& system, std::int64_t file) {
  Poll& poll = system.polls[file];
  switch (poll.state) {
    case Poll::kIdle:
      return std::nullopt;
    case Poll::kArmed:
      if (poll.pending == 0 || Locked(system)) return std::nullopt;
      break;
    case Poll::kCanceled:
      if (Locked(system)) return std::nullopt;
      break;
    case Poll::kEnded:
      poll = {};
      return 0;
  }
  Tell(system, poll);
  return 0;
}
// The thread that opened the file ends, not while it opens it. Another goes on
// with its task.
inline Step Orphan(UringSystem& system, std::int64_t file) {
  Poll& poll = system.polls[file];
  const bool opened = system.files[file].waits != 0;
  if (poll.state != Poll::kArmed || poll.orphan || !opened) return std::nullopt;
  poll.orphan = true;
  system.ended = poll.thread;
  poll.thread = kAnother;
  return 0;
}
inline Step Self(UringSystem& system, std::int64_t thread) {
  return static_cast<int>(thread == system.ended ? kAnother : thread);
}
inline Step Holds(UringSystem& system, std::int64_t file) {
  return system.polls[file].state != Poll::kIdle ? 1 : 0;
}

}  // namespace uring_system
}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SYSTEMS_URING_SYSTEM_H_
