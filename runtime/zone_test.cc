// SPDX-License-Identifier: Apache-2.0
//
// The zones of IPv6 addresses: interfaces, by name and by number.

#include <net/if.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"

namespace netpoll {
namespace {

TEST(ZoneTest, AZoneIsWrittenByName) {
  char name[IF_NAMESIZE];
  const unsigned number = ::if_nametoindex("lo");
  if (number == 0 || ::if_indextoname(number, name) == nullptr) {
    GTEST_SKIP() << "no interface called lo";
  }
  const SocketAddress named = Parse("[fe80::1%lo]:1");
  EXPECT_EQ(named.zone(), number);
  EXPECT_EQ(named.ToString(), "[fe80::1%lo]:1");
  EXPECT_EQ(Parse(absl::StrCat("[fe80::1%", number, "]:1")), named);
  // One that has no name, by its number.
  EXPECT_EQ(Parse("[fe80::1%4000000000]:1").ToString(),
            "[fe80::1%4000000000]:1");
}

// Interfaces that this host need not have: their names would be read as
// something else, or are not fit to be printed.
TEST(ZoneTest, AZoneWhoseNameDoesNotReadBackIsWrittenByNumber) {
  static constexpr unsigned kDigits = 4100000001;
  static constexpr unsigned kUnprintable = 4100000002;
  const internal::SysOverride restore;
  internal::sys.if_indextoname = [](unsigned number, char* name) {
    return std::strcpy(name, number == kDigits ? "12" : "a\x1b[2J");
  };
  for (const unsigned number : {kDigits, kUnprintable}) {
    const std::string text = absl::StrCat("[fe80::1%", number, "]:1");
    EXPECT_EQ(Parse(text).ToString(), text);
  }
}

}  // namespace
}  // namespace netpoll
