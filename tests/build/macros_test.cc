// SPDX-License-Identifier: Apache-2.0
// The build macros: prefixed includes, private headers, core's flags.
#include "gtest/gtest.h"
#include "netpoll/tests/build/answer.h"

namespace netpoll {
namespace {

TEST(Macros, HeadersAreFoundUnderTheProjectsName) { EXPECT_EQ(Answer(), 42); }

}  // namespace
}  // namespace netpoll
