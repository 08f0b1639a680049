// SPDX-License-Identifier: Apache-2.0
//
// A ring and the process around it: filters of system calls, limits of memory,
// and a thread that does not come back from the kernel.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/child.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/io_uring/available.h"
#include "netpoll/tests/conformance/process.h"

namespace netpoll::conformance {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Process);

namespace {

// Lets these system calls fail in this thread, as some containers do.
void Forbid(std::initializer_list<unsigned> calls, unsigned error) {
  std::vector<sock_filter> code = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const unsigned call : calls) {
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog program{.len = static_cast<unsigned short>(code.size()),
                     .filter = code.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    ::abort();
  }
}

constexpr unsigned kSetup = SYS_io_uring_setup;
constexpr unsigned kEnter = SYS_io_uring_enter;
constexpr unsigned kRegister = SYS_io_uring_register;

void Say(const char* sentence) {
  std::fprintf(stderr, "%s", sentence == nullptr ? "nothing" : sentence);
  std::fflush(stderr);
}

class IoUringProcess : public Fixture<IoUringBackend<>> {};

TEST_F(IoUringProcess, InitSaysInOneSentenceWhatAFilterForbids) {
  const std::initializer_list<unsigned> kFilters[] = {
      {kSetup}, {kEnter}, {kSetup, kEnter, kRegister}, {kEnter, kRegister}};
  for (const auto& forbidden : kFilters) {
    for (const int error : {EPERM, EACCES, ENOSYS}) {
      const ChildEnd end = InChild([&] {
        Forbid(forbidden, static_cast<unsigned>(error));
        IoUringBackend<> backend;
        if (backend.Init() != error) ::abort();
        Say(IoUringBackend<>::ExplainInit(error));
      });
      EXPECT_FALSE(end.Aborted()) << error;
      EXPECT_NE(end.said.find("a seccomp filter"), std::string::npos);
      EXPECT_EQ(end.said.find('\n'), std::string::npos);
    }
  }
  EXPECT_EQ(IoUringBackend<>::ExplainInit(EMFILE), nullptr);
}

// It registers nothing with the ring.
TEST_F(IoUringProcess, ItNeedsNoRegistering) {
  EXPECT_FALSE(InChild([] {
                 Forbid({kRegister}, EPERM);
                 IoUringBackend<> backend;
                 Recorder recorder;
                 if (backend.Init() != 0) ::abort();
                 backend.Break();
                 backend.Poll(Delta::Forever(), recorder);
               }).Aborted());
}

TEST_F(IoUringProcess, AFilterThatComesLaterIsNamed) {
  const ChildEnd end = InChild([] {
    IoUringBackend<> backend;
    if (backend.Init() != 0) return;
    Forbid({kEnter}, EPERM);
    backend.Break();
  });
  EXPECT_TRUE(end.Aborted());
  EXPECT_NE(end.said.find("a filter of system calls forbids it since"),
            std::string::npos)
      << end.said;
}

// Whoever may lock as much as he likes is asked no further.
TEST_F(IoUringProcess, ALimitOfLockedMemoryIsNamed) {
  constexpr unsigned kNobody = 65534;
  const ChildEnd end = InChild([] {
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0) return;
    if (::setresuid(kNobody, kNobody, kNobody) != 0) return;
    IoUringBackend<> backend;
    const int error = backend.Init();
    if (error == 0) return;
    if (error != ENOMEM) ::abort();
    Say(IoUringBackend<>::ExplainInit(error));
  });
  EXPECT_FALSE(end.Aborted());
  if (!end.said.empty()) {
    EXPECT_NE(end.said.find("ulimit -l"), std::string::npos) << end.said;
  }
}

// vfork keeps its thread in the kernel, where no interrupt reaches it, until
// the child ends. So a Close of what that thread opened has to wait; nobody
// else has.
TEST_F(IoUringProcess, AThreadThatIsStuckInTheKernelHoldsUpNobodyElse) {
  Ends stuck = Ends::Sockets();
  int gate[2];
  ASSERT_EQ(::pipe(gate), 0);
  std::atomic<bool> open = false;
  std::thread opener([&] {
    EXPECT_EQ(Open(stuck.own(), Key(1)), 0);
    open = true;
    const pid_t child = ::vfork();
    if (child == 0) {
      char byte;
      while (::read(gate[0], &byte, 1) < 0) {
      }
      ::_exit(0);
    }
    EXPECT_GT(child, 0);
  });
  while (!open) std::this_thread::yield();
  std::atomic<bool> closing = false;
  std::thread closer([&] {
    closing = true;
    EXPECT_EQ(backend_.Close(stuck.own(), Key(1)), 0);
  });
  while (!closing) std::this_thread::yield();
  // So often that whoever waits for a lock at each step takes minutes.
  for (int i = 0; i < 2000; ++i) {
    char byte;
    Ends ends = Ends::Sockets();
    ASSERT_EQ(Open(ends.own(), Key(2)), 0);
    EXPECT_TRUE(Take(Key(2)).write);
    ends.Send();
    Recorder recorder;
    backend_.Poll(Delta::Forever(), recorder);
    EXPECT_EQ(recorder.reports.size(), 1u);
    backend_.Break();
    backend_.Poll(Delta::Forever(), recorder);
    EXPECT_EQ(backend_.Close(ends.own(), Key(2)), 0);
    ends.CloseOwn();
    EXPECT_LT(::read(ends.peer(), &byte, 1), 1);
  }
  EXPECT_EQ(::write(gate[1], "x", 1), 1);
  opener.join();
  closer.join();
  stuck.CloseOwn();
  char byte;
  EXPECT_EQ(::read(stuck.peer(), &byte, 1), 0);
  ::close(gate[0]);
  ::close(gate[1]);
}

}  // namespace
}  // namespace netpoll::conformance
