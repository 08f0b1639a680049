// SPDX-License-Identifier: Apache-2.0
//
// What can be asked for when a socket is made. An option that the system
// refuses is an error; one that a family hasn't is ignored.

#ifndef NETPOLL_RUNTIME_SOCKET_OPTIONS_H_
#define NETPOLL_RUNTIME_SOCKET_OPTIONS_H_

#include "netpoll/core/cpp20.h"

#include <optional>

namespace netpoll {

// The file of a Unix socket (`unix:PATH`); abstract names have none.
//
// It goes when the socket closes, whatever closes it: Close, CloseNow, another
// handle moved onto this one, the handle's end, Runtime::Stop; before any
// operation answers "closing". Only that file goes: not one that another made
// under the name since, and not by a child of fork. After Detach it stays; who
// takes the descriptor over has the file too. It stays as well when the process
// dies, and then the name is taken, as long as nobody removes the file.
struct FileOptions {
  // Whether the file goes as said; it stays if not.
  bool remove = true;
  // Whether the file of a socket that nobody is behind any more (connecting to
  // it is refused) is removed first. If not, the name is taken: EADDRINUSE.
  // What is no socket, or is alive, is never removed; one that is alive sees a
  // connection that ends at once. Of several that replace a file at a time one
  // does, the others get EADDRINUSE; the folder is locked meanwhile (flock), so
  // it must be readable.
  bool replace_dead = false;
};

// Of a Unix socket that is adopted: whether its file is, too.
enum class AdoptedFile : bool { kStays, kTakenOver };

struct BindOptions {
  FileOptions file = {};
  // IPv6: true, IPv6 alone; false, IPv4 as well if the address is [::] (clients
  // appear as [::ffff:1.2.3.4], see SocketAddress::Unmapped); not set, as the
  // system is configured.
  std::optional<bool> ipv6_only = {};
  // SO_REUSEPORT: several sockets of this user share the port, and the system
  // spreads what comes.
  bool reuse_port = false;
};

struct ListenOptions {
  FileOptions file = {};               // As above.
  std::optional<bool> ipv6_only = {};  // As above.
  bool reuse_port = false;             // As above.
  // How many connections wait to be accepted; the system has a limit too.
  int backlog = 4096;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_SOCKET_OPTIONS_H_
