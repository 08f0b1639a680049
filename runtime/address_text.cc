// SPDX-License-Identifier: Apache-2.0
//
// SocketAddress as text: address.h has the grammar.

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/sys.h"

namespace netpoll {
namespace {

constexpr absl::string_view kUnnamed = "(unnamed)";
constexpr std::size_t kRoom = sizeof(sockaddr_un::sun_path);

bool IsPlain(char c) { return c >= ' ' && c < 0x7f && c != '\\'; }

// With what is not printed as `\xHH`.
std::string Escaped(absl::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    if (IsPlain(c)) {
      text += c;
    } else if (c == '\\') {
      text += "\\\\";
    } else {
      absl::StrAppend(
          &text, "\\x",
          absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  return text;
}

// Undoes Escaped. False if a backslash begins no escape.
bool Unescape(absl::string_view text, std::string* bytes) {
  while (!text.empty()) {
    if (absl::ConsumePrefix(&text, "\\\\")) {
      *bytes += '\\';
    } else if (text[0] != '\\') {
      *bytes += text[0];
      text.remove_prefix(1);
    } else {
      if (text.size() < 4 || text[1] != 'x' || !absl::ascii_isxdigit(text[2]) ||
          !absl::ascii_isxdigit(text[3])) {
        return false;
      }
      std::uint32_t byte = 0;
      if (!absl::SimpleHexAtoi(text.substr(2, 2), &byte)) return false;
      *bytes += static_cast<char>(byte);
      text.remove_prefix(4);
    }
  }
  return true;
}

absl::Status Bad(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", Escaped(text), "' is not an address: ", why));
}

// Decimal digits without a sign or a zero in front, at most `most`.
bool ParseNumber(absl::string_view text, std::uint32_t most,
                 std::uint32_t* number) {
  if (text.empty() || text.size() > 10) return false;
  if (text.size() > 1 && text[0] == '0') return false;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!absl::ascii_isdigit(c)) return false;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  *number = static_cast<std::uint32_t>(value);
  return value <= most;
}

bool AllDigits(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

// What is wrong with a zone; empty if it has a number.
std::string ParseZone(absl::string_view text, std::uint32_t* zone) {
  if (AllDigits(text)) {
    const bool right = ParseNumber(text, UINT32_MAX, zone) && *zone != 0;
    return right ? "" : "a zone is an interface's name, or its number from 1";
  }
  *zone = internal::sys.if_nametoindex(std::string(text).c_str());
  return *zone != 0 ? ""
                    : absl::StrCat("there is no interface '", Escaped(text),
                                   "' (", ErrnoName(errno), ")");
}

// The interface's name, where ParseZone would read it as this one; else the
// number.
std::string ZoneText(std::uint32_t zone) {
  char name[IF_NAMESIZE] = "";
  if (internal::sys.if_indextoname(zone, name) != nullptr && !AllDigits(name) &&
      std::all_of(name, name + std::strlen(name), IsPlain)) {
    return name;
  }
  return absl::StrCat(zone);
}

constexpr absl::string_view kHosts =
    "the host must be an IPv4 address, an [IPv6] address or localhost";

// `text` is what the error quotes.
absl::StatusOr<SocketAddress> Ipv4(absl::string_view text,
                                   absl::string_view host) {
  if (host.empty()) host = "0.0.0.0";
  if (host == "localhost") host = "127.0.0.1";
  sockaddr_in in4{};
  in4.sin_family = AF_INET;
  if (inet_pton(AF_INET, std::string(host).c_str(), &in4.sin_addr) != 1) {
    return Bad(text, kHosts);
  }
  return SocketAddress::FromSockaddr(reinterpret_cast<const sockaddr*>(&in4),
                                     sizeof(in4));
}

absl::StatusOr<SocketAddress> Ipv6(absl::string_view text,
                                   absl::string_view host) {
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  const std::size_t percent = host.find('%');
  const std::string number(host.substr(0, percent));
  if (inet_pton(AF_INET6, number.c_str(), &in6.sin6_addr) != 1) {
    return Bad(text, kHosts);
  }
  if (percent != absl::string_view::npos) {
    const std::string why =
        ParseZone(host.substr(percent + 1), &in6.sin6_scope_id);
    if (!why.empty()) return Bad(text, why);
  }
  return SocketAddress::FromSockaddr(reinterpret_cast<const sockaddr*>(&in6),
                                     sizeof(in6));
}

}  // namespace

absl::StatusOr<SocketAddress> SocketAddress::ParseUnix(absl::string_view path) {
  if (path == kUnnamed) return Unix("");
  std::string name;
  const bool abstract = absl::ConsumePrefix(&path, "@");
  if (abstract) name += '\0';
  const auto bad = [&](absl::string_view why) {
    return Bad(absl::StrCat("unix:", abstract ? "@" : "", path), why);
  };
  if (!Unescape(path, &name)) {
    return bad("a backslash is written \\\\, any byte \\xHH");
  }
  if (name.empty() || name.size() > kRoom) {
    return bad(absl::StrCat("a Unix path has 1 to ", kRoom,
                            " bytes, an abstract name at most ", kRoom - 1));
  }
  if (!abstract && name.find('\0') != std::string::npos) {
    return bad("a path has no NUL in it");
  }
  return Unix(name);
}

absl::StatusOr<SocketAddress> SocketAddress::FromHostPort(
    absl::string_view host, std::uint16_t port) {
  if (host.find('\0') != absl::string_view::npos) return Bad(host, kHosts);
  const bool ipv6 = host.find(':') != absl::string_view::npos;
  auto address = ipv6 ? Ipv6(host, host) : Ipv4(host, host);
  if (!address.ok()) return address;
  return address->WithPort(port);
}

absl::StatusOr<SocketAddress> SocketAddress::Parse(absl::string_view text) {
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "unix:")) return ParseUnix(rest);
  const std::size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) {
    return Bad(text, "expected HOST:PORT or unix:PATH");
  }
  std::uint32_t port = 0;
  if (!ParseNumber(text.substr(colon + 1), 65535, &port)) {
    return Bad(text,
               "the port must be a number from 0 to 65535, of digits alone");
  }
  absl::string_view host = text.substr(0, colon);
  const bool brackets =
      host.size() > 1 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  if (host.find('\0') != absl::string_view::npos) return Bad(text, kHosts);
  auto address = brackets ? Ipv6(text, host) : Ipv4(text, host);
  if (!address.ok()) return address;
  return address->WithPort(static_cast<std::uint16_t>(port));
}

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  switch (family()) {
    case AF_INET:
      inet_ntop(AF_INET, &As<sockaddr_in>().sin_addr, text, sizeof(text));
      return text;
    case AF_INET6:
      inet_ntop(AF_INET6, &As<sockaddr_in6>().sin6_addr, text, sizeof(text));
      return zone() == 0 ? text : absl::StrCat(text, "%", ZoneText(zone()));
    default:
      return "";
  }
}

std::string SocketAddress::ToString() const {
  switch (family()) {
    case AF_INET:
      return absl::StrCat(host(), ":", port());
    case AF_INET6:
      return absl::StrCat("[", host(), "]:", port());
    case AF_UNIX:
      break;
    default:
      return "";
  }
  if (is_unnamed()) return absl::StrCat("unix:", kUnnamed);
  if (is_abstract()) return absl::StrCat("unix:@", Escaped(abstract_name()));
  std::string path = Escaped(unix_path());
  if (path[0] == '@' || path == kUnnamed) {
    path = absl::StrCat("\\x", absl::Hex(path[0]), path.substr(1));
  }
  return absl::StrCat("unix:", path);
}

}  // namespace netpoll
