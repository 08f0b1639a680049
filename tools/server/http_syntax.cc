// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/http_syntax.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace netpoll::server {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsHex(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool IsSpace(char c) { return c == ' ' || c == '\t'; }

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(absl::string_view(a.data(), a.size()),
                                absl::string_view(b.data(), b.size()));
}

bool AllDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), IsDigit);
}

// unreserved, sub-delims and percent-encodings of RFC 3986, and what `more`
// has.
bool IsUriText(std::string_view text, std::string_view more) {
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3 || !IsHex(text[i + 1]) || !IsHex(text[i + 2])) {
        return false;
      }
      i += 2;
    } else if (!IsAlphanumeric(text[i]) &&
               kMarks.find(text[i]) == std::string_view::npos &&
               more.find(text[i]) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

// Empty, or /path, and perhaps ?query.
bool IsPathAndQuery(std::string_view text) {
  const std::size_t mark = std::min(text.find('?'), text.size());
  const std::string_view path = text.substr(0, mark);
  if (!path.empty() && path[0] != '/') return false;
  return IsUriText(path, ":@/") && IsUriText(text.substr(mark), ":@/?");
}

// What stands between the brackets.
bool IsIpLiteral(std::string_view text) {
  if (!text.empty() && (text[0] == 'v' || text[0] == 'V')) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos || dot < 2 || dot + 1 == text.size()) {
      return false;
    }
    const std::string_view version = text.substr(1, dot - 1);
    const std::string_view address = text.substr(dot + 1);
    return std::all_of(version.begin(), version.end(), IsHex) &&
           address.find('%') == std::string_view::npos &&
           IsUriText(address, ":");
  }
  char copy[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof(copy)) return false;
  std::copy(text.begin(), text.end(), copy);
  in6_addr address;
  return text.find('\0') == std::string_view::npos &&
         ::inet_pton(AF_INET6, copy, &address) == 1;
}

struct HostAndPort {
  bool valid = false;
  std::string_view host;
  std::string_view port;
};

HostAndPort SplitHost(std::string_view text) {
  HostAndPort result;
  std::size_t end = 0;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return {};
    if (!IsIpLiteral(text.substr(1, bracket - 1))) return {};
    end = bracket + 1;
  } else {
    end = std::min(text.find(':'), text.size());
    if (!IsUriText(text.substr(0, end), "")) return {};
  }
  result.host = text.substr(0, end);
  if (end < text.size()) {
    if (text[end] != ':') return {};
    result.port = text.substr(end + 1);
    if (!AllDigits(result.port)) return {};
  }
  result.valid = true;
  return result;
}

bool IsAbsoluteForm(std::string_view target) {
  const std::size_t colon = target.find("://");
  if (colon == std::string_view::npos) return false;
  const std::string_view scheme = target.substr(0, colon);
  if (!EqualsIgnoreCase(scheme, "http") && !EqualsIgnoreCase(scheme, "https")) {
    return false;
  }
  const std::string_view rest = target.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const HostAndPort authority = SplitHost(rest.substr(0, end));
  return authority.valid && !authority.host.empty() &&
         IsPathAndQuery(rest.substr(end));
}

bool IsVersion(std::string_view text) {
  return text.size() == 8 && text.starts_with("HTTP/") && IsDigit(text[5]) &&
         text[6] == '.' && IsDigit(text[7]);
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}

// Reads a field's value from its front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  void SkipSpace() {
    while (!rest_.empty() && IsSpace(rest_[0])) rest_.remove_prefix(1);
  }
  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Empty if there is none.
  std::string_view TakeToken() {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), IsTokenChar);
    const auto size = static_cast<std::size_t>(end - rest_.begin());
    const std::string_view token = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
  }
  bool TakeQuoted() {
    if (!Take('"')) return false;
    while (!rest_.empty()) {
      if (Take('"')) return true;
      if (rest_[0] == '\\') rest_.remove_prefix(1);
      if (!rest_.empty()) rest_.remove_prefix(1);
    }
    return false;
  }
  // ; name = value. False: something else comes after the semicolon.
  bool TakeParameter() {
    SkipSpace();
    if (TakeToken().empty()) return false;
    SkipSpace();
    if (!Take('=')) return false;
    SkipSpace();
    return !TakeToken().empty() || TakeQuoted();
  }

 private:
  std::string_view rest_;
};

}  // namespace

bool IsTokenChar(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return IsAlphanumeric(c) || kMarks.find(c) != std::string_view::npos;
}

int CheckRequestLine(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return 400;
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!IsToken(method) || !IsVersion(version)) return 400;
  if (version[5] != '1') return 505;
  return IsTarget(method, target) ? 0 : 400;
}

bool IsTarget(std::string_view method, std::string_view target) {
  if (method == "CONNECT") {
    const HostAndPort authority = SplitHost(target);
    return authority.valid && !authority.host.empty() &&
           !authority.port.empty();
  }
  if (target == "*") return method == "OPTIONS";
  if (target.starts_with('/')) return IsPathAndQuery(target);
  return IsAbsoluteForm(target);
}

bool IsHost(std::string_view text) { return SplitHost(text).valid; }

bool IsFieldLine(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) {
    return false;
  }
  const std::string_view value = line.substr(colon + 1);
  return std::all_of(value.begin(), value.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
  });
}

void TransferCodings::Add(std::string_view value) {
  present_ = true;
  Scanner scanner(value);
  for (;;) {
    scanner.SkipSpace();
    if (scanner.done()) return;
    if (scanner.Take(',')) continue;  // An empty element.
    const std::string_view coding = scanner.TakeToken();
    if (coding.empty()) break;
    const bool chunked = EqualsIgnoreCase(coding, "chunked");
    bool plain = true;
    scanner.SkipSpace();
    while (scanner.Take(';')) {
      plain = false;
      if (!scanner.TakeParameter()) {
        malformed_ = true;
        return;
      }
      scanner.SkipSpace();
    }
    chunked_last_ = chunked;
    if (chunked && chunked_ < 2) ++chunked_;
    if (!chunked || !plain) others_ = true;
    if (!scanner.done() && !scanner.Take(',')) break;
  }
  malformed_ = true;
}

int TransferCodings::Status() const {
  if (!present_) return 0;
  if (malformed_ || chunked_ > 1) return 400;
  if (chunked_ == 1 && !chunked_last_) return 400;
  if (others_) return 501;
  return chunked_ == 1 ? 0 : 400;  // No coding at all: no length either.
}

void ConnectionOptions::Add(std::string_view value) {
  Scanner scanner(value);
  while (!scanner.done()) {
    scanner.SkipSpace();
    const std::string_view option = scanner.TakeToken();
    if (EqualsIgnoreCase(option, "close")) close_ = true;
    if (EqualsIgnoreCase(option, "keep-alive")) keep_alive_ = true;
    scanner.SkipSpace();
    if (!scanner.done() && !scanner.Take(',')) return;
  }
}

}  // namespace netpoll::server
