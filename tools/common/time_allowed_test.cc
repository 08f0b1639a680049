// SPDX-License-Identifier: Apache-2.0
//
// However long a limit is, nothing runs over: in each of the options that have
// some, and in what is made of them.
#include "netpoll/tools/common/time_allowed.h"

#include <chrono>
#include <limits>
#include <ratio>

#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/tools/demo/demo.h"
#include "netpoll/tools/server/server.h"
#include "netpoll/tools/torture/options.h"

namespace netpoll::tools {
namespace {

using std::chrono::duration;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr nanoseconds kLongest = nanoseconds::max();

TEST(TimeAllowed, SaysWhatItIsSetTo) {
  EXPECT_EQ(TimeAllowed(), nanoseconds(0));
  EXPECT_EQ(TimeAllowed(seconds(3)), seconds(3));
  TimeAllowed limit = milliseconds(-1);
  EXPECT_EQ(limit, nanoseconds(-1'000'000));
  limit = duration<double>(1.5);
  EXPECT_EQ(limit, milliseconds(1500));
  limit = duration<int, std::pico>(1);
  EXPECT_EQ(limit, nanoseconds(1)) << "never early";
}

TEST(TimeAllowed, IsAsLongAsCanBeSaid) {
  EXPECT_EQ(TimeAllowed(milliseconds::max()), kLongest);
  EXPECT_EQ(TimeAllowed(hours::max()), kLongest);
  EXPECT_EQ(TimeAllowed(duration<double>(1e300)), kLongest);
  EXPECT_EQ(
      TimeAllowed(duration<double>(std::numeric_limits<double>::quiet_NaN())),
      kLongest);
  EXPECT_EQ(TimeAllowed(hours::min()), nanoseconds::min());
  EXPECT_EQ(TimeAllowed(kLongest), kLongest);
}

// Each limit, and the shortest of those that apply.
TEST(TimeAllowed, NoneOfAServersLimitsIsShortBecauseItIsLong) {
  using server::ServerOptions;
  for (TimeAllowed ServerOptions::*const limit :
       {&ServerOptions::read_timeout, &ServerOptions::header_timeout,
        &ServerOptions::request_timeout, &ServerOptions::write_timeout}) {
    ServerOptions options;
    options.*limit = hours::max();
    EXPECT_EQ(options.*limit, kLongest);
    options.*limit = milliseconds::max();
    EXPECT_EQ(options.*limit, kLongest);
  }
  ServerOptions options{.read_timeout = hours::max(),
                        .header_timeout = milliseconds::max(),
                        .request_timeout = seconds::max()};
  EXPECT_EQ(options.LimitOf(true, true), kLongest);
  EXPECT_FALSE(Deadline::After(1'000, options.LimitOf(true, true)).past());
  options.request_timeout = seconds(5);
  EXPECT_EQ(options.LimitOf(true, true), seconds(5));
}

TEST(TimeAllowed, NorIsThatOfADemonstrationOrACampaign) {
  EXPECT_EQ(demo::DemoOptions{.duration = hours::max()}.duration, kLongest);
  torture::Options campaign;
  campaign.duration = milliseconds::max();
  EXPECT_EQ(campaign.duration, kLongest);
}

}  // namespace
}  // namespace netpoll::tools
