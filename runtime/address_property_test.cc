// SPDX-License-Identifier: Apache-2.0
//
// What holds for every socket address: it reads back as it was written, and no
// text is read in two ways.

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/hash/hash.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/address.h"
#include "rapidcheck/gtest.h"

namespace netpoll {
namespace {

template <class T>
SocketAddress From(const T& system, std::size_t size) {
  auto address = SocketAddress::FromSockaddr(
      reinterpret_cast<const sockaddr*>(&system), static_cast<socklen_t>(size));
  RC_ASSERT(address.ok());
  return *address;
}

SocketAddress AnyV4() {
  sockaddr_in in4{};
  in4.sin_family = AF_INET;
  in4.sin_port = *rc::gen::arbitrary<std::uint16_t>();
  in4.sin_addr.s_addr = *rc::gen::arbitrary<std::uint32_t>();
  return From(in4, sizeof(in4));
}

SocketAddress AnyV6() {
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = *rc::gen::arbitrary<std::uint16_t>();
  // Many zeros: the text leaves runs of them out.
  const auto bytes = *rc::gen::container<std::vector<std::uint8_t>>(
      16, rc::gen::weightedOneOf<std::uint8_t>(
              {{3, rc::gen::just<std::uint8_t>(0)},
               {1, rc::gen::just<std::uint8_t>(0xff)},
               {1, rc::gen::arbitrary<std::uint8_t>()}}));
  std::copy(bytes.begin(), bytes.end(), in6.sin6_addr.s6_addr);
  in6.sin6_scope_id = *rc::gen::element(0u, 1u, 2u, 3u, 99u, 4294967295u);
  return From(in6, sizeof(in6));
}

SocketAddress AnyUnix() {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  const auto bytes = *rc::gen::container<std::string>(rc::gen::oneOf(
      rc::gen::arbitrary<char>(),
      rc::gen::elementOf(std::string("\\@x0(unnamed):\n\0\x7f\xff", 18))));
  const std::size_t size = std::min(bytes.size(), sizeof(un.sun_path));
  std::memcpy(un.sun_path, bytes.data(), size);
  // A path, or an abstract name, as it happens; the latter half of the time.
  if (size > 0 && *rc::gen::arbitrary<bool>()) un.sun_path[0] = '\0';
  return From(un, offsetof(sockaddr_un, sun_path) + size);
}

SocketAddress Any() {
  switch (*rc::gen::inRange(0, 4)) {
    case 0:
      return AnyV4();
    case 1:
      return AnyV6();
    default:
      return AnyUnix();
  }
}

RC_GTEST_PROP(AddressProperty, ReadsBackAsWritten, ()) {
  const SocketAddress address = Any();
  const std::string text = address.ToString();
  RC_ASSERT(std::all_of(text.begin(), text.end(),
                        [](char c) { return c >= ' ' && c < 0x7f; }));
  const auto again = SocketAddress::Parse(text);
  RC_ASSERT(again.ok());
  RC_ASSERT(*again == address);
  RC_ASSERT(again->ToString() == text);
  RC_ASSERT(absl::HashOf(*again) == absl::HashOf(address));
}

RC_GTEST_PROP(AddressProperty, EqualIsWrittenAlike, ()) {
  const SocketAddress a = Any();
  const SocketAddress b = Any();
  RC_ASSERT((a == b) == (a.ToString() == b.ToString()));
  RC_ASSERT((a < b) == (b > a));
  RC_ASSERT((a < b) + (a == b) + (a > b) == 1);
}

// What is read at all is written and read as the same.
RC_GTEST_PROP(AddressProperty, AnyTextIsReadOneWayOrRefused, ()) {
  std::string text = *rc::gen::container<std::string>(rc::gen::elementOf(
      std::string("0123456789.:[]%abcdfx\\@/ unilo\0-+", 34)));
  if (*rc::gen::arbitrary<bool>()) text = "unix:" + text;
  const auto address = SocketAddress::Parse(text);
  if (!address.ok()) return;
  const auto again = SocketAddress::Parse(address->ToString());
  RC_ASSERT(again.ok());
  RC_ASSERT(*again == *address);
}

}  // namespace
}  // namespace netpoll
