// SPDX-License-Identifier: Apache-2.0
//
// The guard knows a child of fork, whatever the kernel says to its advice.
#include "netpoll/backends/posix/fork_guard.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <functional>

#include "gtest/gtest.h"

namespace netpoll {
namespace {

int pids_asked = 0;
int pages = 0;  // That are mapped.

struct CountingSys : ForkGuardSys {
  static pid_t Pid() {
    ++pids_asked;
    return ForkGuardSys::Pid();
  }
  static void* Map(std::size_t size) {
    ++pages;
    return ForkGuardSys::Map(size);
  }
  static void Unmap(void* page, std::size_t size) {
    --pages;
    ForkGuardSys::Unmap(page, size);
  }
};

// qemu-user's: yes to everything, and nothing done.
struct LyingSys : CountingSys {
  static bool Advise(void*, std::size_t, int) { return true; }
};
// A kernel before 4.14.
struct RefusingSys : CountingSys {
  static bool Advise(void*, std::size_t, int) { return false; }
};
struct WithoutMemory : CountingSys {
  static void* Map(std::size_t) { return nullptr; }
};
// A system that has no such advice.
struct OtherSystem {
  static pid_t Pid() { return ::getpid(); }
};

// The exit status of a child that does `act`; -1 for a signal.
int StatusOfChild(const std::function<int()>& act) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(act());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

template <class Guard>
class ForkGuardTest : public ::testing::Test {};
using Guards =
    ::testing::Types<ForkGuard, ForkGuardOf<LyingSys>, ForkGuardOf<RefusingSys>,
                     ForkGuardOf<WithoutMemory>, ForkGuardOf<OtherSystem>>;
TYPED_TEST_SUITE(ForkGuardTest, Guards);

TYPED_TEST(ForkGuardTest, AChildIsKnownAndItsParentIsNot) {
  TypeParam guard;
  EXPECT_FALSE(guard.InChild());
  EXPECT_EQ(StatusOfChild([&] { return guard.InChild() ? 7 : 0; }), 7);
  EXPECT_FALSE(guard.InChild());
}

TYPED_TEST(ForkGuardTest, SoIsAChildOfAChild) {
  TypeParam guard;
  EXPECT_EQ(StatusOfChild([&] {
              return StatusOfChild([&] { return guard.InChild() ? 7 : 0; });
            }),
            7);
}

TYPED_TEST(ForkGuardTest, AChildsOwnGuardIsItsOwn) {
  TypeParam parents;
  EXPECT_EQ(StatusOfChild([] {
              TypeParam own;
              return own.InChild() ? 0 : 7;
            }),
            7);
}

template <class Sys>
void ExpectPages(int while_it_lives) {
  pages = 0;
  {
    ForkGuardOf<Sys> guard;
    EXPECT_EQ(pages, while_it_lives);
  }
  EXPECT_EQ(pages, 0);
}

TEST(ForkGuardCost, APageIsKeptOnlyWhereItIsOfUse) {
  ExpectPages<CountingSys>(1);
  ExpectPages<LyingSys>(0);
  ExpectPages<RefusingSys>(0);
}

TEST(ForkGuardCost, ACheckCostsNoSystemCallWhereTheKernelEmptiesThePage) {
  pids_asked = 0;
  ForkGuardOf<CountingSys> guard;
  EXPECT_EQ(pids_asked, 1);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(guard.InChild());
  EXPECT_EQ(pids_asked, 1);
}

TEST(ForkGuardCost, WhereItDoesNotOneOnly) {
  ForkGuardOf<LyingSys> guard;
  pids_asked = 0;
  EXPECT_FALSE(guard.InChild());
  EXPECT_EQ(pids_asked, 1);
}

}  // namespace
}  // namespace netpoll
