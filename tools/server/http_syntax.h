// SPDX-License-Identifier: Apache-2.0
//
// What RFC 9110 and RFC 9112 ask of a request beyond what the parser looks at.
// Pure functions of text; nothing here allocates.

#ifndef NETPOLL_TOOLS_SERVER_HTTP_SYNTAX_H_
#define NETPOLL_TOOLS_SERVER_HTTP_SYNTAX_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace netpoll::server {

// How long a header and a body may be.
inline constexpr std::size_t kMostHeader = 8192;
inline constexpr std::uint64_t kMostBody = 1 << 20;

bool IsTokenChar(char c);

// A request line without its line end. 0, or the status to refuse it with: 400,
// or 505 if it names a version whose major number is not 1.
int CheckRequestLine(std::string_view line);

// The target that the method may have: /path?query, http://host/path?query,
// host:port for CONNECT, * for OPTIONS. A bad percent-encoding, a fragment or a
// character that a URI has not is refused.
bool IsTarget(std::string_view method, std::string_view target);

// The value of a Host field: a name, an IPv4 or an [IPv6] address, or nothing;
// and perhaps a port.
bool IsHost(std::string_view text);

// One line of a trailer section, without its line end.
bool IsFieldLine(std::string_view line);

// The Transfer-Encoding fields of a request, in order.
class TransferCodings {
 public:
  void Add(std::string_view value);

  // 0: none, or chunked alone. 400: not a list of codings, or chunked comes
  // twice, or is followed by another. 501: others, or parameters, which are
  // not known here.
  int Status() const;
  bool present() const { return present_; }

 private:
  bool present_ = false;
  bool malformed_ = false;
  bool others_ = false;
  bool chunked_last_ = false;
  unsigned char chunked_ = 0;  // 0, 1 or more: 2.
};

// The Connection fields of a request.
class ConnectionOptions {
 public:
  void Add(std::string_view value);
  bool close() const { return close_; }
  bool keep_alive() const { return keep_alive_; }

 private:
  bool close_ = false;
  bool keep_alive_ = false;
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_HTTP_SYNTAX_H_
