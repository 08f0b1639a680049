// SPDX-License-Identifier: Apache-2.0
//
// Socket addresses: IPv4, IPv6 and Unix. A value: copied, compared, ordered,
// hashed (absl::Hash), written and read again. Nothing here blocks; nothing is
// looked up but the names of this machine's interfaces.

#ifndef NETPOLL_RUNTIME_ADDRESS_H_
#define NETPOLL_RUNTIME_ADDRESS_H_

#include "netpoll/core/cpp20.h"

#include <sys/socket.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace netpoll {

// The text of an address, read by Parse and written by ToString:
//
//   127.0.0.1:80        IPv4; `localhost` is 127.0.0.1, and no host at all
//                       (`:80`) 0.0.0.0, every IPv4 interface
//   [::1]:80            IPv6
//   [fe80::1%eth0]:80   in the zone of an interface: its name, or its number
//   unix:PATH           a Unix socket's file, 1 to 108 bytes
//   unix:@NAME          an abstract Unix name, 0 to 107 bytes
//   unix:(unnamed)      a Unix socket without a name, as clients are
//
// A port is 0 to 65535 in decimal digits: no sign, no space, no zero in front.
// In PATH and NAME `\\` is a backslash and `\xHH` any byte, in two hexadecimal
// digits: the form of what is not printed, and of a path's first byte where it
// would mean something else (`\x40` for @, `\x28` for the parenthesis of
// `(unnamed)`). Other names are not looked up: that would block.
//
// Parse(a.ToString()) == a for every address but the empty one.
class SocketAddress {
 public:
  SocketAddress() = default;  // Empty: AF_UNSPEC, "".

  // The error says which part is wrong.
  static absl::StatusOr<SocketAddress> Parse(absl::string_view text);
  // `host` as in Parse, without brackets: "::1", "fe80::1%eth0", "localhost",
  // "" for 0.0.0.0.
  static absl::StatusOr<SocketAddress> FromHostPort(absl::string_view host,
                                                    std::uint16_t port);
  // A copy of the system's form. An error if `size` is too small for its
  // family, too large for any, or the family is none of the three.
  static absl::StatusOr<SocketAddress> FromSockaddr(const sockaddr* address,
                                                    socklen_t size);

  // `unix:(unnamed)`.
  static SocketAddress Unnamed() {
    SocketAddress address;
    address.storage_.ss_family = AF_UNIX;
    address.size_ = sizeof(address.storage_.ss_family);
    return address;
  }

  // The form that Parse reads. A zone is written by the interface's name if it
  // has one that reads back, else by its number.
  std::string ToString() const;

  // AF_UNSPEC, AF_INET, AF_INET6 or AF_UNIX.
  int family() const { return storage_.ss_family; }
  bool is_unix() const { return family() == AF_UNIX; }

  // IPv4 and IPv6: the host without brackets, as FromHostPort reads it; "" for
  // others.
  std::string host() const;
  // IPv4 and IPv6: the port; 0 for others.
  std::uint16_t port() const;
  // The same with another port; others are unchanged.
  SocketAddress WithPort(std::uint16_t port) const;
  // IPv6: the number of the interface, 0 if there is none; 0 for others.
  std::uint32_t zone() const;
  // An IPv4 address mapped into IPv6 ([::ffff:1.2.3.4]:80), which a listener
  // of both families reports for its IPv4 clients, as IPv4. Others are
  // unchanged. The two forms are not equal.
  SocketAddress Unmapped() const;

  // The file of a Unix address; empty if there is none.
  std::string unix_path() const;
  // The name of an abstract Unix address, without the NUL in front; empty for
  // others, and for the abstract name of no bytes.
  std::string abstract_name() const;
  bool is_abstract() const;
  // A Unix address with neither.
  bool is_unnamed() const;

  // Family, host, port and zone, or what kind of Unix name and its bytes. What
  // the text has not does not count: an IPv6 flow label, bytes after a path's
  // NUL. The order is by family, then as written here, of bytes and numbers.
  friend bool operator==(const SocketAddress& a, const SocketAddress& b) {
    return (a <=> b) == 0;
  }
  friend std::strong_ordering operator<=>(const SocketAddress& a,
                                          const SocketAddress& b) {
    return a.Compare(b);
  }
  template <class H>
  friend H AbslHashValue(H state, const SocketAddress& address) {
    return H::combine(std::move(state), address.family(), address.Name(),
                      address.port(), address.zone());
  }

  // The system's form.
  const sockaddr* data() const {
    return reinterpret_cast<const sockaddr*>(&storage_);
  }
  sockaddr* data() { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  // For calls that write the address: the room, and then the size.
  socklen_t* mutable_size() { return &size_; }
  static constexpr socklen_t kCapacity = sizeof(sockaddr_storage);

 private:
  static absl::StatusOr<SocketAddress> ParseUnix(absl::string_view path);
  // Of sun_path: the path without its end, or the NUL and the abstract name.
  static SocketAddress Unix(absl::string_view name);

  std::strong_ordering Compare(const SocketAddress& other) const;
  // The bytes that tell addresses of one family, port and zone apart: of the
  // host, or of sun_path as for Unix().
  absl::string_view Name() const;

  template <class T>
  const T& As() const {
    return *reinterpret_cast<const T*>(&storage_);
  }
  template <class T>
  T& As() {
    return *reinterpret_cast<T*>(&storage_);
  }

  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_ADDRESS_H_
