// SPDX-License-Identifier: Apache-2.0
//
// A backend that is chosen when the program runs keeps the contract as well,
// whichever one it is, and answers as the chosen one would.
#include "netpoll/backends/one_of.h"

#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/backends/poll/poll_backend.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/conformance.h"

namespace netpoll::conformance {

struct Renamed : EpollBackend<> {
  static constexpr const char* kName = "renamed";
};
using Two = OneOf<EpollBackend<>, Renamed>;

struct Second : Two {
  Second() : Two("renamed") {}
};

NETPOLL_CONFORMANCE(FirstOfTwo, Two);
NETPOLL_CONFORMANCE(SecondOfTwo, Second);

// One that has to be armed beside one that has not: the chosen one counts.
struct WithArm : OneOf<EpollBackend<>, PollBackend<>> {
  WithArm() : OneOf("poll") {}
};
NETPOLL_CONFORMANCE(PollOfTwo, WithArm);

namespace {

constexpr EventKey kKey = EventKey::ForSlot(1, 1);

TEST(OneOfTest, TheNameChooses) {
  EXPECT_EQ(std::string_view(Two().name()), "epoll");
  EXPECT_EQ(std::string_view(Two("renamed").name()), "renamed");
}

TEST(OneOfTest, AnUnknownNameIsRefusedByInit) {
  for (const char* const name : {"renames", "", "epol", "epoll ", "Epoll"}) {
    Poller<Two> poller(name);
    EXPECT_EQ(poller.Init(), EINVAL);
    EXPECT_EQ(std::string_view(poller.backend().name()), "none");
    EXPECT_EQ(poller.PollFd(), -1);
  }
}

// Nothing else may be called, and nothing else does harm.
TEST(OneOfTest, WithoutABackendNothingHappens) {
  using Any = OneOf<EpollBackend<>, PollBackend<>>;
  Any none("nobody");
  Recorder recorder;
  const Ends ends = Ends::Sockets();
  EXPECT_EQ(none.Open(ends.own(), kKey), EINVAL);
  EXPECT_EQ(none.Close(ends.own(), kKey), EINVAL);
  none.Arm(ends.own(), kKey, Mode::kRead);
  none.Break();
  none.Poll(Delta::NonBlocking(), recorder);
  EXPECT_TRUE(recorder.reports.empty());
  EXPECT_EQ(none.traits(), BackendTraits{});
  EXPECT_FALSE(none.InChild());
  EXPECT_FALSE(none.IsPollDescriptor(0));
  EXPECT_FALSE(none.IsPollDescriptor(-1));
}

// The answers of one backend to what is asked of it, in order.
template <class Backend>
std::vector<int> Answers(Backend& backend) {
  std::vector<int> all;
  Ends ends = Ends::Sockets();
  Ends gone = Ends::Sockets();
  const int number = gone.own();
  gone.CloseOwn();
  all.push_back(backend.Init());
  all.push_back(backend.Close(ends.own(), kKey));
  all.push_back(backend.Open(-1, kKey));
  all.push_back(backend.Open(ends.own(), kKey));
  all.push_back(backend.Open(ends.own(), EventKey::ForSlot(2, 1)));
  all.push_back(backend.Close(ends.own(), kKey));
  all.push_back(backend.Close(ends.own(), kKey));
  all.push_back(backend.Close(number, kKey));
  all.push_back(Backend::CheckPollable(number));
  all.push_back(backend.IsPollDescriptor(number));
  all.push_back(backend.IsPollDescriptor(-1));
  return all;
}

template <class Backend>
void ExpectTheSame() {
  using Any = OneOf<EpollBackend<>, IoUringBackend<>, PollBackend<>>;
  Backend alone;
  Any chosen(Backend::kName);
  EXPECT_EQ(Answers(alone), Answers(chosen)) << Backend::kName;
  EXPECT_EQ(chosen.traits(), Backend::kTraits);
  EXPECT_EQ(chosen.PollFd() >= 0, Backend::kTraits.has_poll_fd);
}

TEST(OneOfTest, TheChosenOneAnswers) {
  ExpectTheSame<EpollBackend<>>();
  ExpectTheSame<PollBackend<>>();
  IoUringBackend<> trial;
  if (trial.Init() == 0) ExpectTheSame<IoUringBackend<>>();
}

// What a backend says to a misuse is one sentence, whoever asked.
TEST(OneOfTest, TheReasonIsTheChosenOnes) {
  using Any = OneOf<EpollBackend<>, IoUringBackend<>>;
  EXPECT_EQ(Any("epoll").ExplainInit(EPERM), nullptr);
  EXPECT_STREQ(Any("io_uring").ExplainInit(EPERM),
               IoUringBackend<>::ExplainInit(EPERM));
  EXPECT_EQ(Any("io_uring").ExplainInit(EMFILE), nullptr);
  EXPECT_EQ(Any("nobody").ExplainInit(EPERM), nullptr);
}

}  // namespace
}  // namespace netpoll::conformance
