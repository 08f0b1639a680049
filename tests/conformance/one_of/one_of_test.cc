// SPDX-License-Identifier: Apache-2.0
//
// A backend that is chosen when the program runs keeps the contract as well,
// whichever one it is.
#include "netpoll/backends/one_of.h"

#include <cerrno>
#include <string_view>

#include "gtest/gtest.h"
#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poller.h"
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

TEST(OneOfTest, TheNameChooses) {
  EXPECT_EQ(std::string_view(Two().name()), "epoll");
  EXPECT_EQ(std::string_view(Two("renamed").name()), "renamed");
}

TEST(OneOfTest, AnUnknownNameIsRefusedByInit) {
  Poller<Two> poller("renames");
  EXPECT_EQ(poller.Init(), EINVAL);
  EXPECT_EQ(std::string_view(poller.backend().name()), "none");
  EXPECT_EQ(poller.PollFd(), -1);
}

}  // namespace netpoll::conformance
