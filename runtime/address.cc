// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace netpoll {
namespace {

absl::Status Bad(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is not an address: ", why));
}

constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);

}  // namespace

absl::StatusOr<SocketAddress> SocketAddress::ParseUnix(absl::string_view path) {
  SocketAddress address;
  auto* const un = reinterpret_cast<sockaddr_un*>(&address.storage_);
  if (path.empty() || path.size() >= sizeof(un->sun_path)) {
    return Bad(absl::StrCat("unix:", path),
               absl::StrCat("a Unix path has 1 to ", sizeof(un->sun_path) - 1,
                            " bytes"));
  }
  un->sun_family = AF_UNIX;
  std::memcpy(un->sun_path, path.data(), path.size());
  const bool abstract = path[0] == '@';
  if (abstract) un->sun_path[0] = '\0';
  address.size_ =
      static_cast<socklen_t>(kPathOffset + path.size() + (abstract ? 0 : 1));
  return address;
}

absl::StatusOr<SocketAddress> SocketAddress::Parse(absl::string_view text) {
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "unix:")) return ParseUnix(rest);
  const std::size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) {
    return Bad(text, "expected HOST:PORT or unix:PATH");
  }
  std::string host(text.substr(0, colon));
  unsigned port = 0;
  if (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port > 65535) {
    return Bad(text, "the port must be a number from 0 to 65535");
  }
  if (host.empty()) host = "0.0.0.0";
  if (host == "localhost") host = "127.0.0.1";
  const auto net_port = htons(static_cast<std::uint16_t>(port));
  SocketAddress address;
  if (host.front() == '[' && host.back() == ']') {
    auto* const in6 = reinterpret_cast<sockaddr_in6*>(&address.storage_);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = net_port;
    address.size_ = sizeof(sockaddr_in6);
    host = host.substr(1, host.size() - 2);
    if (inet_pton(AF_INET6, host.c_str(), &in6->sin6_addr) == 1) return address;
  } else {
    auto* const in4 = reinterpret_cast<sockaddr_in*>(&address.storage_);
    in4->sin_family = AF_INET;
    in4->sin_port = net_port;
    address.size_ = sizeof(sockaddr_in);
    if (inet_pton(AF_INET, host.c_str(), &in4->sin_addr) == 1) return address;
  }
  return Bad(
      text, "the host must be an IPv4 address, an [IPv6] address or localhost");
}

std::string SocketAddress::unix_path() const {
  if (!is_unix() || size_ <= kPathOffset) return "";
  const auto* const un = reinterpret_cast<const sockaddr_un*>(&storage_);
  if (un->sun_path[0] == '\0') return "";
  return std::string(un->sun_path,
                     ::strnlen(un->sun_path, size_ - kPathOffset));
}

std::string SocketAddress::ToString() const {
  char host[INET6_ADDRSTRLEN] = "";
  switch (family()) {
    case AF_INET: {
      const auto* const in4 = reinterpret_cast<const sockaddr_in*>(&storage_);
      inet_ntop(AF_INET, &in4->sin_addr, host, sizeof(host));
      return absl::StrCat(host, ":", ntohs(in4->sin_port));
    }
    case AF_INET6: {
      const auto* const in6 = reinterpret_cast<const sockaddr_in6*>(&storage_);
      inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
      return absl::StrCat("[", host, "]:", ntohs(in6->sin6_port));
    }
    case AF_UNIX: {
      const auto* const un = reinterpret_cast<const sockaddr_un*>(&storage_);
      if (size_ > kPathOffset && un->sun_path[0] == '\0') {
        return absl::StrCat(
            "unix:@",
            absl::string_view(un->sun_path + 1, size_ - kPathOffset - 1));
      }
      return absl::StrCat("unix:", unix_path());
    }
    default:
      return "";
  }
}

}  // namespace netpoll
