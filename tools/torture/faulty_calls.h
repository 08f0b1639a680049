// SPDX-License-Identifier: Apache-2.0
//
// System calls that fail now and then, and bugs to plant, between the program
// and the C library. A program has them if it links :faulty_calls: that defines
// the library's own names (read, epoll_wait, ...), and passes what it does not
// fail on. This header is what everybody sees; in a program without them
// `call_faults` is null.
//
// What fails is what a system may do by its manual: calls interrupted before
// they did anything (or, for connect and close, after), writes that take a
// part, connections aborted before they were accepted, no descriptors, no
// memory.

#ifndef NETPOLL_TOOLS_TORTURE_FAULTY_CALLS_H_
#define NETPOLL_TOOLS_TORTURE_FAULTY_CALLS_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace netpoll::torture {

enum class CallFault : std::uint8_t {
  kInterrupted,  // EINTR.
  kPartial,      // A write that takes a part.
  kAborted,      // ECONNABORTED of accept4.
  kExhausted,    // EMFILE, ENFILE, ENOBUFS, ENOMEM of accept4 and socket.
  kRefused,      // ENOMEM, ENOSPC of epoll_ctl; EAGAIN, EBUSY of a ring.
  kMemory,       // operator new, where nothrow says that it may.
  kEnd_
};
inline constexpr std::size_t kCallFaults =
    static_cast<std::size_t>(CallFault::kEnd_);
inline constexpr const char* kCallFaultNames[] = {
    "interrupted", "partial", "aborted", "exhausted", "refused", "memory",
};
static_assert(std::size(kCallFaultNames) == kCallFaults);

// Bugs as a library might have them, seen from outside. A campaign that does
// not find them finds nothing.
enum class Planted : std::uint8_t {
  kNone,
  kByte,        // A byte of a read is lost.
  kWake,        // The events of an epoll_wait are lost.
  kEarly,       // The clock is ahead now and then: deadlines fire early.
  kDeadline,    // A wait forgets its time limit.
  kDescriptor,  // A socket is not closed.
  kMemory,      // Memory is not given back.
  kCrash,       // The process ends by a signal.
};
struct PlantedName {
  const char* name;
  Planted bug;
};
inline constexpr PlantedName kPlantedNames[] = {
    {"byte", Planted::kByte},
    {"wake", Planted::kWake},
    {"early", Planted::kEarly},
    {"deadline", Planted::kDeadline},
    {"descriptor", Planted::kDescriptor},
    {"memory", Planted::kMemory},
    {"crash", Planted::kCrash},
};

class CallFaults {
 public:
  virtual ~CallFaults() = default;

  // From here on calls fail, and memory if `memory`, drawn from `seed`.
  virtual void Arm(std::uint64_t seed, bool calls, bool memory) = 0;
  // None fail, and nothing planted acts.
  virtual void Disarm() = 0;
  // For as long as calls are armed.
  virtual void Plant(Planted bug) = 0;
  virtual std::array<std::uint64_t, kCallFaults> counts() const = 0;
};

inline CallFaults* call_faults = nullptr;

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_FAULTY_CALLS_H_
