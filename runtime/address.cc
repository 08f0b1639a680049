// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/address.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace netpoll {
namespace {

constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);

// What the system wrote may be one byte longer than sockaddr_un: Linux adds a
// NUL to a path that fills it.
constexpr std::size_t kLongestUnix = sizeof(sockaddr_un) + 1;

// The least and the most that the family's form has; {1, 0} if there is none.
struct Sizes {
  std::size_t least;
  std::size_t most;
};

Sizes SizesOf(int family) {
  switch (family) {
    case AF_INET:
      return {sizeof(sockaddr_in), SocketAddress::kCapacity};
    case AF_INET6:
      return {sizeof(sockaddr_in6), SocketAddress::kCapacity};
    case AF_UNIX:
      return {kPathOffset, kLongestUnix};
    default:
      return {1, 0};
  }
}

}  // namespace

absl::StatusOr<SocketAddress> SocketAddress::FromSockaddr(
    const sockaddr* address, socklen_t size) {
  if (address == nullptr || size < kPathOffset) {
    return absl::InvalidArgumentError(
        absl::StrCat("a sockaddr of ", address == nullptr ? 0 : size,
                     " bytes has not even a family"));
  }
  sa_family_t family;
  std::memcpy(
      &family,
      reinterpret_cast<const char*>(address) + offsetof(sockaddr, sa_family),
      sizeof(family));
  const Sizes sizes = SizesOf(family);
  if (sizes.least > sizes.most) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a sockaddr of family ", family, " is neither IPv4, IPv6 nor Unix"));
  }
  if (size < sizes.least || size > sizes.most) {
    return absl::InvalidArgumentError(
        absl::StrCat("a sockaddr of family ", family, " has ", sizes.least,
                     " to ", sizes.most, " bytes, not ", size));
  }
  SocketAddress copy;
  std::memcpy(&copy.storage_, address, size);
  copy.size_ = size;
  return copy;
}

SocketAddress SocketAddress::Unix(absl::string_view name) {
  SocketAddress address;
  address.storage_.ss_family = AF_UNIX;
  std::memcpy(reinterpret_cast<char*>(&address.storage_) + kPathOffset,
              name.data(), name.size());
  // A path ends with a NUL where there is room for one.
  const bool path = !name.empty() && name[0] != '\0';
  address.size_ = static_cast<socklen_t>(std::min(
      kPathOffset + name.size() + (path ? 1 : 0), sizeof(sockaddr_un)));
  return address;
}

std::uint16_t SocketAddress::port() const {
  switch (family()) {
    case AF_INET:
      return ntohs(As<sockaddr_in>().sin_port);
    case AF_INET6:
      return ntohs(As<sockaddr_in6>().sin6_port);
    default:
      return 0;
  }
}

SocketAddress SocketAddress::WithPort(std::uint16_t port) const {
  SocketAddress changed = *this;
  if (family() == AF_INET) changed.As<sockaddr_in>().sin_port = htons(port);
  if (family() == AF_INET6) changed.As<sockaddr_in6>().sin6_port = htons(port);
  return changed;
}

std::uint32_t SocketAddress::zone() const {
  return family() == AF_INET6 ? As<sockaddr_in6>().sin6_scope_id : 0;
}

SocketAddress SocketAddress::Unmapped() const {
  if (family() != AF_INET6) return *this;
  const in6_addr& host = As<sockaddr_in6>().sin6_addr;
  if (!IN6_IS_ADDR_V4MAPPED(&host)) return *this;
  SocketAddress ipv4;
  auto& in4 = ipv4.As<sockaddr_in>();
  in4.sin_family = AF_INET;
  in4.sin_port = As<sockaddr_in6>().sin6_port;
  std::memcpy(&in4.sin_addr, host.s6_addr + 12, sizeof(in4.sin_addr));
  ipv4.size_ = sizeof(sockaddr_in);
  return ipv4;
}

absl::string_view SocketAddress::Name() const {
  const char* const bytes = reinterpret_cast<const char*>(&storage_);
  switch (family()) {
    case AF_INET:
      return {bytes + offsetof(sockaddr_in, sin_addr), sizeof(in_addr)};
    case AF_INET6:
      return {bytes + offsetof(sockaddr_in6, sin6_addr), sizeof(in6_addr)};
    case AF_UNIX: {
      if (size_ <= kPathOffset) return {};
      const char* const name = bytes + kPathOffset;
      const std::size_t most =
          std::min(static_cast<std::size_t>(size_) - kPathOffset,
                   sizeof(sockaddr_un::sun_path));
      return {name, name[0] == '\0' ? most : ::strnlen(name, most)};
    }
    default:
      return {};
  }
}

std::strong_ordering SocketAddress::Compare(const SocketAddress& other) const {
  if (family() != other.family()) return family() <=> other.family();
  if (const int names = Name().compare(other.Name()); names != 0) {
    return names <=> 0;
  }
  if (port() != other.port()) return port() <=> other.port();
  return zone() <=> other.zone();
}

std::string SocketAddress::unix_path() const {
  const absl::string_view name = is_unix() ? Name() : "";
  return is_abstract() ? "" : std::string(name);
}

std::string SocketAddress::abstract_name() const {
  return is_abstract() ? std::string(Name().substr(1)) : "";
}

bool SocketAddress::is_abstract() const {
  return is_unix() && !Name().empty() && Name()[0] == '\0';
}

bool SocketAddress::is_unnamed() const { return is_unix() && Name().empty(); }

}  // namespace netpoll
