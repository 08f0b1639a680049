// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/crash.h"

#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <exception>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/syscall.h>
#ifndef sigev_notify_thread_id  // Older C libraries.
#define sigev_notify_thread_id _sigev_un._tid
#endif
#endif

// Where the program's own instructions lie, by the linker.
extern "C" {
extern const char __executable_start;
extern const char etext;
}

namespace netpoll::model {
namespace {

struct Known {
  int number;
  const char* text;
};
// A signal, and how the code came to it.
constexpr Known kKnown[] = {
    {SIGSEGV, "crash: the code used something as a task that is none"},
    {SIGBUS, "crash: the code used something as a task that is none"},
    {SIGABRT, "crash: the code stopped itself"},
    {SIGFPE, "crash: the code divided by zero"},
    {SIGILL, "crash: the code came to what is no instruction"},
    {SIGVTALRM, "crash: the code goes round for ever between two accesses"},
};

std::atomic<bool> catch_crashes{false};

// Of a processor, between two ticks: one piece of work takes microseconds, and
// is given up at the second tick.
constexpr long kTick = 250'000'000;  // NOLINT: a timespec's type.

// Where a thread's work began; and what that was a part of.
struct Guard {
  sigjmp_buf begin;
  Guard* outer;
  bool timed;
  int ticks = 0;  // Of its clock, since its work began.
};
thread_local Guard* guard = nullptr;

// False: the signal came within a library, the heap's lock held perhaps.
bool InOwnCode([[maybe_unused]] const void* context) {
#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
  const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  const auto at = static_cast<std::uintptr_t>(machine.gregs[REG_RIP]);
#else
  const auto at = static_cast<std::uintptr_t>(machine.pc);
#endif
  return at >= reinterpret_cast<std::uintptr_t>(&__executable_start) &&
         at < reinterpret_cast<std::uintptr_t>(&etext);
#else
  return true;
#endif
}

void Caught(int number, siginfo_t*, void* context) {
  Guard* const here = guard;
  if (number == SIGVTALRM) {
    // The first tick may come just after the beginning. A heap that puts itself
    // in order takes long, too, and must not be left in the midst of it.
    if (here == nullptr || !here->timed || ++here->ticks < 2 ||
        !InOwnCode(context)) {
      return;
    }
  }
  if (here != nullptr) siglongjmp(here->begin, number);
  signal(number, SIG_DFL);  // Not the code under test.
}

// What a thread needs besides: a stack for the handler, since the code may have
// used up its own, and a clock that ticks while it runs.
class Equipment {
 public:
  Equipment() : stack_(new char[kStack]) {
    stack_t stack{};
    stack.ss_sp = stack_.get();
    stack.ss_size = kStack;
    sigaltstack(&stack, &old_);
#if defined(__linux__)
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGVTALRM;
    event.sigev_notify_thread_id = static_cast<pid_t>(syscall(SYS_gettid));
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer_) != 0) return;
    ticks_ = true;
    const itimerspec every{{0, kTick}, {0, kTick}};
    timer_settime(timer_, 0, &every, nullptr);
#endif
  }
  ~Equipment() {
#if defined(__linux__)
    if (ticks_) timer_delete(timer_);
#endif
    sigaltstack(&old_, nullptr);
  }

 private:
  static constexpr std::size_t kStack = 64 << 10;

  std::unique_ptr<char[]> stack_;
  stack_t old_{};
#if defined(__linux__)
  timer_t timer_{};
  bool ticks_ = false;
#endif
};

const char* TextOf(int number) {
  for (const Known& known : kKnown) {
    if (known.number == number) return known.text;
  }
  return "crash";
}

// Tells the explorer's own exceptions by their kind: they derive from ThrownOn.
const char* Do(const std::function<void()>& work) {
  try {
    work();
  } catch (const ThrownOn&) {
    throw;
  } catch (const std::bad_alloc&) {
    return "crash: the code has no memory left";
  } catch (...) {
    return "crash: an exception left the code";
  }
  return nullptr;
}

}  // namespace

void CatchCrashes() {
  if (catch_crashes.exchange(true)) return;
  struct sigaction action {};
  action.sa_sigaction = Caught;
  action.sa_flags = SA_ONSTACK | SA_RESTART | SA_SIGINFO;
  for (const Known& known : kKnown) {
    sigaction(known.number, &action, nullptr);
  }
}

const char* CrashOf(const std::function<void()>& work, bool timed) {
  if (!catch_crashes) {
    work();
    return nullptr;
  }
  static thread_local Equipment equipment;
  Guard here{.begin = {}, .outer = guard, .timed = timed};
  const int number = sigsetjmp(here.begin, 1);
  if (number != 0) {
    guard = here.outer;
    return TextOf(number);
  }
  guard = &here;
  try {
    const char* const crash = Do(work);
    guard = here.outer;
    return crash;
  } catch (...) {
    guard = here.outer;
    throw;
  }
}

}  // namespace netpoll::model
