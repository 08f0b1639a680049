// SPDX-License-Identifier: Apache-2.0
//
// Socket addresses: each sentence of address.h. What holds for every address
// is in address_property_test.cc.

#include "netpoll/runtime/address.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "absl/hash/hash_testing.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/socket_test_support.h"

namespace netpoll {
namespace {

std::string WhyNot(absl::string_view text) {
  const auto address = SocketAddress::Parse(text);
  EXPECT_FALSE(address.ok()) << text;
  EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(address.status().message());
}

SocketAddress FromUnix(absl::string_view bytes, std::size_t size) {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  std::memcpy(
      reinterpret_cast<char*>(&storage) + offsetof(sockaddr_un, sun_path),
      bytes.data(), bytes.size());
  auto address =
      SocketAddress::FromSockaddr(reinterpret_cast<const sockaddr*>(&storage),
                                  static_cast<socklen_t>(size));
  EXPECT_TRUE(address.ok()) << address.status();
  return address.ok() ? *address : SocketAddress();
}

constexpr std::size_t kOffset = offsetof(sockaddr_un, sun_path);

TEST(AddressTest, ReadsWhatItPrints) {
  for (const char* text : {"127.0.0.1:80",
                           "0.0.0.0:0",
                           "255.255.255.255:65535",
                           "[::1]:443",
                           "[::]:0",
                           "[::ffff:1.2.3.4]:80",
                           "[fe80::1%4294967295]:1",
                           "unix:/tmp/x",
                           "unix:relative",
                           "unix:@abstract",
                           "unix:@",
                           "unix:(unnamed)",
                           "unix:/a b",
                           "unix:@a:b",
                           "unix:\\x40file",
                           "unix:\\x28unnamed)",
                           "unix:(unnamed)2",
                           "unix:@(unnamed)",
                           "unix:/back\\\\slash",
                           "unix:@\\x00\\x01\\x7f\\xff"}) {
    EXPECT_EQ(Parse(text).ToString(), text);
  }
}

TEST(AddressTest, OtherFormsThatAreRead) {
  EXPECT_EQ(Parse("localhost:1").ToString(), "127.0.0.1:1");
  EXPECT_EQ(Parse(":1").ToString(), "0.0.0.0:1");
  EXPECT_EQ(Parse("[0:0::0:1]:2").ToString(), "[::1]:2");
  EXPECT_EQ(Parse("unix:\\x2fa").ToString(), "unix:/a");
  EXPECT_EQ(Parse("unix:\\x2Fa").ToString(), "unix:/a");
  // What isn't printed may be read as it is.
  EXPECT_EQ(Parse("unix:@\xc3\xa9").abstract_name(), "\xc3\xa9");
  EXPECT_EQ(Parse("unix:/\n").unix_path(), "/\n");
}

TEST(AddressTest, WhatIsNoAddressIsRefused) {
  using namespace std::string_literals;
  for (const std::string& text :
       std::vector<std::string>{"",
                                "80",
                                ":",
                                "host:80",
                                "1.2.3:4",
                                "1.2.3.4",
                                "01.2.3.4:5",
                                "1.2.3.4.5:6",
                                " 1.2.3.4:5",
                                "1.2.3.4 :5",
                                "[::1:80",
                                "::1:80",
                                "[]:1",
                                "[:1",
                                "]:1",
                                "[1.2.3.4]:80",
                                "[localhost]:80",
                                "[::1]80",
                                "[[::1]]:80",
                                "[::1]",
                                "::1",
                                "[::1%]:80",
                                "[::1%0]:80",
                                "[::1%01]:80",
                                "[::1%-1]:80",
                                "[::1%4294967296]:80",
                                "[::1%no/such]:80",
                                "[::1%no-interface-has-such-a-name]:80",
                                "[%lo]:80",
                                "1.2.3.4%lo:80",
                                "unix:",
                                "unix:\\",
                                "unix:\\n",
                                "unix:\\x",
                                "unix:\\x1",
                                "unix:\\xg0",
                                "unix:\\x0g",
                                "unix:@\\",
                                "unix:a\\x00",
                                "Unix:/x",
                                "127.0.0.1\0:80"s,
                                "[::1\0]:80"s,
                                "unix:a\0b"s,
                                "127.0.0.1:80\0"s}) {
    WhyNot(text);
  }
}

TEST(AddressTest, APortIsDigitsAlone) {
  for (const char* port :
       {"", " 80", "80 ", "+80", "-1", "080", "00", "65536", "4294967296",
        "18446744073709551696", "0x50", "8o", "http"}) {
    for (const char* host : {"127.0.0.1", "[::1]", "localhost", ""}) {
      EXPECT_NE(WhyNot(absl::StrCat(host, ":", port)).find("port"),
                std::string::npos);
    }
  }
  EXPECT_EQ(Parse(":0").port(), 0);
  EXPECT_EQ(Parse(":65535").port(), 65535);
}

TEST(AddressTest, TheErrorSaysWhichPartIsWrong) {
  EXPECT_EQ(WhyNot("127.0.0.1:x"),
            "'127.0.0.1:x' is not an address: the port must be a number from 0 "
            "to 65535, of digits alone");
  EXPECT_NE(WhyNot("here:1").find("'here:1' is not an address: the host"),
            std::string::npos);
  EXPECT_NE(WhyNot("[::1%nowhere]:1").find("no interface 'nowhere' (ENODEV)"),
            std::string::npos);
  EXPECT_NE(WhyNot("[::1%0]:1").find("zone"), std::string::npos);
  EXPECT_NE(WhyNot("80").find("expected HOST:PORT"), std::string::npos);
  EXPECT_NE(WhyNot("unix:").find("1 to 108"), std::string::npos);
  EXPECT_NE(WhyNot("unix:\\q").find("backslash"), std::string::npos);
  EXPECT_NE(WhyNot("unix:a\\x00").find("NUL"), std::string::npos);
  // And is fit to be printed.
  EXPECT_NE(WhyNot("\x1b[2J:1").find("'\\x1b[2J:1'"), std::string::npos);
}

TEST(AddressTest, APathFillsItsRoom) {
  const std::string longest(sizeof(sockaddr_un::sun_path), 'p');
  const SocketAddress path = Parse("unix:" + longest);
  EXPECT_EQ(path.unix_path(), longest);
  EXPECT_EQ(path.size(), sizeof(sockaddr_un));
  EXPECT_EQ(path.ToString(), "unix:" + longest);
  WhyNot("unix:" + longest + "p");
  // As Linux reports it, with a NUL behind; nothing else behind it counts.
  EXPECT_EQ(FromUnix(longest, sizeof(sockaddr_un) + 1), path);
  EXPECT_EQ(FromUnix(longest + "q", sizeof(sockaddr_un) + 1), path);
  // With a NUL of its own where there is room.
  EXPECT_EQ(Parse("unix:" + longest.substr(1)).size(), sizeof(sockaddr_un));
  EXPECT_EQ(Parse("unix:p").size(), kOffset + 2);

  const std::string name = longest.substr(1);
  const SocketAddress abstract = Parse("unix:@" + name);
  EXPECT_EQ(abstract.abstract_name(), name);
  EXPECT_EQ(abstract.size(), sizeof(sockaddr_un));
  WhyNot("unix:@" + longest);
}

TEST(AddressTest, WhatIsAskedOfAUnixName) {
  const SocketAddress path = Parse("unix:/a");
  EXPECT_TRUE(path.is_unix());
  EXPECT_FALSE(path.is_abstract() || path.is_unnamed());
  EXPECT_EQ(path.unix_path(), "/a");
  EXPECT_EQ(path.abstract_name(), "");

  const SocketAddress abstract = Parse("unix:@a\\x00b");
  EXPECT_TRUE(abstract.is_abstract());
  EXPECT_FALSE(abstract.is_unnamed());
  EXPECT_EQ(abstract.abstract_name(), std::string("a\0b", 3));
  EXPECT_EQ(abstract.unix_path(), "");

  // The abstract name of no bytes is a name.
  const SocketAddress empty = Parse("unix:@");
  EXPECT_TRUE(empty.is_abstract());
  EXPECT_EQ(empty.abstract_name(), "");
  const SocketAddress unnamed = Parse("unix:(unnamed)");
  EXPECT_TRUE(unnamed.is_unnamed());
  EXPECT_FALSE(unnamed.is_abstract());
  EXPECT_EQ(unnamed.size(), kOffset);
  EXPECT_NE(empty, unnamed);

  for (const char* text : {"1.2.3.4:5", "[::]:5"}) {
    const SocketAddress other = Parse(text);
    EXPECT_FALSE(other.is_unix() || other.is_abstract() || other.is_unnamed());
    EXPECT_EQ(other.unix_path() + other.abstract_name(), "");
  }
}

TEST(AddressTest, HostPortAndZone) {
  const SocketAddress v4 = Parse("1.2.3.4:5");
  EXPECT_EQ(v4.family(), AF_INET);
  EXPECT_EQ(v4.host(), "1.2.3.4");
  EXPECT_EQ(v4.port(), 5);
  EXPECT_EQ(v4.zone(), 0u);
  const SocketAddress v6 = Parse("[fe80::1%77777]:6");
  EXPECT_EQ(v6.family(), AF_INET6);
  EXPECT_EQ(v6.host(), "fe80::1%77777");
  EXPECT_EQ(v6.port(), 6);
  EXPECT_EQ(v6.zone(), 77777u);
  for (const SocketAddress& other :
       {SocketAddress(), Parse("unix:/x"), Parse("unix:@x")}) {
    EXPECT_EQ(other.host(), "");
    EXPECT_EQ(other.port(), 0);
    EXPECT_EQ(other.zone(), 0u);
    EXPECT_EQ(other.WithPort(7), other);
  }
  EXPECT_EQ(v4.WithPort(7), Parse("1.2.3.4:7"));
  EXPECT_EQ(v6.WithPort(7), Parse("[fe80::1%77777]:7"));
  for (const SocketAddress& address : {v4, v6}) {
    auto again = SocketAddress::FromHostPort(address.host(), address.port());
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, address);
  }
  EXPECT_EQ(SocketAddress::FromHostPort("", 1)->ToString(), "0.0.0.0:1");
  EXPECT_EQ(SocketAddress::FromHostPort("localhost", 1)->ToString(),
            "127.0.0.1:1");
  EXPECT_FALSE(SocketAddress::FromHostPort("[::1]", 1).ok());
  EXPECT_FALSE(SocketAddress::FromHostPort("::1%", 1).ok());
  EXPECT_FALSE(
      SocketAddress::FromHostPort(std::string("1.2.3.4\0", 8), 1).ok());
}

TEST(AddressTest, MappedIpv4IsIpv4WhenAsked) {
  const SocketAddress mapped = Parse("[::ffff:1.2.3.4]:80");
  EXPECT_EQ(mapped.family(), AF_INET6);
  EXPECT_EQ(mapped.Unmapped(), Parse("1.2.3.4:80"));
  EXPECT_EQ(mapped.Unmapped().size(), sizeof(sockaddr_in));
  EXPECT_NE(mapped, mapped.Unmapped());
  for (const char* text : {"[::1.2.3.4]:80", "[::1]:80", "1.2.3.4:80",
                           "unix:/x", "unix:(unnamed)"}) {
    EXPECT_EQ(Parse(text).Unmapped(), Parse(text));
  }
  EXPECT_EQ(SocketAddress().Unmapped(), SocketAddress());
}

TEST(AddressTest, TheEmptyAddressIsNothing) {
  const SocketAddress empty;
  EXPECT_EQ(empty.family(), AF_UNSPEC);
  EXPECT_EQ(empty.size(), 0u);
  EXPECT_EQ(empty.ToString(), "");
  EXPECT_FALSE(empty.is_unix() || empty.is_unnamed() || empty.is_abstract());
  EXPECT_EQ(empty, SocketAddress());
}

TEST(AddressTest, ASystemsAddressIsCopied) {
  for (const char* text : {"1.2.3.4:5", "[fe80::1%9]:5", "unix:/x", "unix:@x",
                           "unix:(unnamed)", "unix:@"}) {
    const SocketAddress one = Parse(text);
    auto copy = SocketAddress::FromSockaddr(one.data(), one.size());
    ASSERT_TRUE(copy.ok()) << copy.status();
    EXPECT_EQ(*copy, one);
    EXPECT_EQ(copy->size(), one.size());
  }
}

TEST(AddressTest, ASystemsAddressOfAWrongSizeIsRefused) {
  const auto refused = [](const sockaddr* data, socklen_t size) {
    const auto copy = SocketAddress::FromSockaddr(data, size);
    EXPECT_EQ(copy.status().code(), absl::StatusCode::kInvalidArgument) << size;
    return std::string(copy.status().message());
  };
  refused(nullptr, 16);
  const SocketAddress v4 = Parse("1.2.3.4:5");
  const SocketAddress v6 = Parse("[::1]:5");
  const SocketAddress path = Parse("unix:/x");
  EXPECT_NE(refused(v4.data(), 0).find("family"), std::string::npos);
  refused(v4.data(), 1);
  EXPECT_NE(refused(v4.data(), sizeof(sockaddr_in) - 1).find("16 to"),
            std::string::npos);
  refused(v4.data(), SocketAddress::kCapacity + 1);
  refused(v6.data(), sizeof(sockaddr_in6) - 1);
  refused(path.data(), sizeof(sockaddr_un) + 2);
  sockaddr_storage other{};
  other.ss_family = AF_NETLINK;
  EXPECT_NE(refused(reinterpret_cast<sockaddr*>(&other), sizeof(other))
                .find("neither IPv4"),
            std::string::npos);
  refused(SocketAddress().data(), SocketAddress::kCapacity);
}

TEST(AddressTest, WhatTheTextHasNotDoesNotCount) {
  SocketAddress labelled = Parse("[::1]:1");
  reinterpret_cast<sockaddr_in6*>(labelled.data())->sin6_flowinfo = 7;
  EXPECT_EQ(labelled, Parse("[::1]:1"));
  SocketAddress padded = Parse("1.2.3.4:5");
  std::memset(reinterpret_cast<sockaddr_in*>(padded.data())->sin_zero, 1, 8);
  EXPECT_EQ(padded, Parse("1.2.3.4:5"));
  using namespace std::string_literals;
  EXPECT_EQ(FromUnix("/x\0y"s, kOffset + 4), Parse("unix:/x"));
  EXPECT_EQ(FromUnix("/x", kOffset + 2), Parse("unix:/x"));
  // In an abstract name every byte does.
  EXPECT_NE(FromUnix("\0x\0"s, kOffset + 3), Parse("unix:@x"));
  EXPECT_EQ(FromUnix("\0x\0"s, kOffset + 2), Parse("unix:@x"));
}

// Distinct, and in order.
TEST(AddressTest, ComparedOrderedAndHashed) {
  const std::vector<SocketAddress> all = {
      SocketAddress(),    Parse("unix:(unnamed)"), Parse("unix:@"),
      Parse("unix:@a"),   Parse("unix:@b"),        Parse("unix:@b\\x00"),
      Parse("unix:/a"),   Parse("unix:/a/b"),      Parse("unix:/b"),
      Parse("1.2.3.4:5"), Parse("1.2.3.4:6"),      Parse("1.2.3.4:256"),
      Parse("1.2.3.5:0"), Parse("200.0.0.0:0"),    Parse("[::]:1"),
      Parse("[::1]:1"),   Parse("[::1%1]:1"),      Parse("[::1%256]:1"),
      Parse("[::1]:2"),   Parse("[ff::]:1"),
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < all.size(); ++j) {
      EXPECT_EQ(all[i] == all[j], i == j)
          << all[i].ToString() << all[j].ToString();
      EXPECT_EQ(all[i] < all[j], i < j)
          << all[i].ToString() << all[j].ToString();
    }
  }
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly(all));
}

// What the system says of sockets of its own can be read again.
TEST(AddressTest, TheSystemsNamesReadBack) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  SocketAddress pair;
  *pair.mutable_size() = SocketAddress::kCapacity;
  ASSERT_EQ(::getpeername(ends[0], pair.data(), pair.mutable_size()), 0);
  EXPECT_EQ(pair.ToString(), "unix:(unnamed)");
  EXPECT_EQ(Parse(pair.ToString()), pair);
  ::close(ends[0]);
  ::close(ends[1]);

  // Named by the system: five hexadecimal digits.
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(fd, pair.data(), pair.size()), 0);
  SocketAddress given;
  *given.mutable_size() = SocketAddress::kCapacity;
  ASSERT_EQ(::getsockname(fd, given.data(), given.mutable_size()), 0);
  EXPECT_EQ(given.abstract_name().size(), 5u);
  EXPECT_EQ(Parse(given.ToString()), given);
  ::close(fd);
}

}  // namespace
}  // namespace netpoll
