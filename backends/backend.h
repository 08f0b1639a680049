// SPDX-License-Identifier: Apache-2.0
//
// The contract between the poller and one system interface. A backend is a
// class; the poller is a template over it (poller.h); nothing is virtual.
//
//   int Init()
//     Makes the kernel object and the backend's own descriptors. Called once,
//     before anything else. 0, or the errno; a backend that could not be
//     initialised is only destroyed.
//
//   static int CheckPollable(Fd fd)
//     0, or why `fd` must not be opened, alike on every backend: EBADF not an
//     open descriptor, EINVAL in blocking mode, EPERM a regular file or a
//     directory.
//
//   int Open(Fd fd, EventKey key)
//     Registers both directions. Edges from before the call count: what is
//     ready now is reported. 0 or a positive errno; after an error nothing is
//     registered and Close is not called. Events may be reported before it
//     returns.
//
//   int Close(Fd fd, EventKey key)
//     Deregisters, before the system's close. When it returns the kernel holds
//     nothing of the descriptor. 0 or a positive errno.
//
//   void Arm(Fd fd, EventKey key, Mode direction)      if needs_arm
//     Asks for one report of `direction`. Reporting one direction keeps the
//     other armed. Does nothing if `key` is not registered any more.
//
//   void Poll(Delta delta, Sink& sink)
//     Waits as `delta` says and calls sink.Ready(key, mode, flags) for every
//     event. At most one blocking call at a time, any number of non-blocking
//     ones beside it. Timeouts are rounded up to what the system can express;
//     what is longer than it can express is cut, the caller's loop polls
//     again. May return early with nothing. Interrupted by a signal: a wait
//     with a limit returns early, so that the caller computes the rest anew;
//     one without goes on.
//
//   void Break()
//     Ends the blocking Poll that is under way, or the next one. Coalesced by
//     a WakeToken. A non-blocking Poll never takes the token from a blocking
//     one.
//
//   std::uint64_t breaks_taken() const                  where it counts them
//     How many breaks blocking polls have taken: those that were not coalesced.
//
//   bool IsPollDescriptor(Fd fd) const
//     Whether `fd` is one of the backend's own descriptors.
//
//   Fd PollFd() const                                  if has_poll_fd
//     Readable whenever Poll(NonBlocking()) would report something.
//
//   bool InChild() const                                if knows_children
//     Whether this is a child of fork of the process that made the backend.
//     There every other call stops the process with one sentence, and the
//     destructor gives back what the child has of it, without changing
//     anything of the parent's. Needs no lock: the parent may have held any.
//
//   marks_short_reads
//     A read of a TCP stream that got less than there was room for is followed
//     by a further report when there is more to read (as always where Arm asks
//     for a level), or else no_more_edges was reported with what came before:
//     the end, an error, urgent data. Then the runtime waits without trying.
//
//   void Ask(Fd fd, EventKey key, Mode mode, Sink& sink) if asks_before_timeout
//     For a system where what has come may be reported to one thread
//     later than another asks. Asks of this one descriptor, without blocking,
//     and calls sink.Ready if a direction of `mode` is ready. Called before a
//     deadline of those directions is believed. `fd` may have been closed
//     meanwhile, and its number be another's: the key tells.
//
//   const char* ExplainInit(int error)                  if explains_init
//     Why Init answered `error`, where it says more than the errno's own text;
//     or null.
//
// What it has of these, and what it promises, it says in kTraits. One that is
// one of several says there what any of them has, and in traits() what the
// chosen one has: what that lacks may be called, and does nothing.
//
// Completions: a backend whose system reports finished operations, not
// readiness, adds calls that start one and ask for its cancellation. The
// operation (buffer, result, error) is not freed before its last completion,
// whatever becomes of the task; Poll writes the result first and then reports
// the direction, so that the semaphore hands it over; and who cancels waits
// with WaitKind::kUntilReady. Bytes that arrived win over timeout and closing.
//
// Keys: the kernel carries the 64 bits of an EventKey and the whole key is
// compared. Internal descriptors have keys of their own kind.
//
// Errors: what an operation may expect is a return value. A kernel object that
// stops working (somebody closed it) stops the process with one sentence: a
// poller that goes on would lose every wake-up silently.

#ifndef NETPOLL_BACKENDS_BACKEND_H_
#define NETPOLL_BACKENDS_BACKEND_H_

#include <cerrno>
#include <concepts>

#include "netpoll/core/backend_traits.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {

// Whether an error of Init says that the system has no such interface, or
// forbids it.
constexpr bool IsUnavailable(int error) {
  return error == ENOSYS || error == EPERM || error == EACCES;
}

// Stands for any sink in the concept below.
struct NullSink {
  void Ready(EventKey, Mode, EventFlags) {}
};

template <class B>
concept HasArm = requires(B backend, Fd fd, EventKey key) {
  { backend.Arm(fd, key, Mode::kRead) } -> std::same_as<void>;
};
template <class B>
concept HasPollFd = requires(const B& backend) {
  { backend.PollFd() } -> std::same_as<Fd>;
};
template <class B>
concept HasAsk = requires(B backend, Fd fd, EventKey key, NullSink sink) {
  { backend.Ask(fd, key, Mode::kRead, sink) } -> std::same_as<void>;
};
template <class B>
concept HasExplainInit = requires(const B& backend) {
  { backend.ExplainInit(0) } -> std::same_as<const char*>;
};
template <class B>
concept HasInChild = requires(const B& backend) {
  { backend.InChild() } -> std::same_as<bool>;
};

// Whether it has all that it claims, and claims all that it has.
template <class B>
constexpr bool HasWhatItClaims() {
  constexpr BackendTraits kHas = {
      .needs_arm = HasArm<B>,
      .has_poll_fd = HasPollFd<B>,
      .asks_before_timeout = HasAsk<B>,
      .marks_short_reads = B::kTraits.marks_short_reads,  // No call of its own.
      .explains_init = HasExplainInit<B>,
      .knows_children = HasInChild<B>};
  return B::kTraits == kHas;
}

template <class B>
concept PollerBackend = HasWhatItClaims<B>() &&
    requires(B backend, const B& fixed, Fd fd, EventKey key, Delta delta,
             NullSink sink) {
  { B::kTraits } -> std::same_as<const BackendTraits&>;
  { B::kName } -> std::convertible_to<const char*>;
  { B::CheckPollable(fd) } -> std::same_as<int>;
  { backend.Init() } -> std::same_as<int>;
  { backend.Open(fd, key) } -> std::same_as<int>;
  { backend.Close(fd, key) } -> std::same_as<int>;
  { backend.Poll(delta, sink) } -> std::same_as<void>;
  { backend.Break() } -> std::same_as<void>;
  { fixed.IsPollDescriptor(fd) } -> std::same_as<bool>;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_BACKEND_H_
