// SPDX-License-Identifier: Apache-2.0
//
// What can be asked for when a socket is made. An option that the system
// refuses is an error; one that a family hasn't is ignored.

#ifndef NETPOLL_RUNTIME_SOCKET_OPTIONS_H_
#define NETPOLL_RUNTIME_SOCKET_OPTIONS_H_

#include "netpoll/core/cpp20.h"

#include <chrono>
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

// How much the system keeps of what is sent and not yet acknowledged, and of
// what has come and was not yet read, in bytes; 0: as it decides. Linux doubles
// the number, for its own book-keeping, and has a limit (net.core.*mem_max).
struct SocketBuffers {
  int send = 0;
  int receive = 0;
};

// Asks a peer that has been silent for `idle` whether it is still there, every
// `interval`; after `count` questions without an answer operations end with
// ETIMEDOUT. Whole seconds, at least one.
struct Keepalive {
  std::chrono::seconds idle{60};
  std::chrono::seconds interval{15};
  int count = 4;
};

// Of TCP; Unix sockets have none of these.
struct TcpOptions {
  // TCP_NODELAY: what is written is sent at once. False: the system collects
  // small writes while something is unacknowledged (Nagle).
  bool no_delay = true;
  std::optional<Keepalive> keepalive = {};
};

struct BindOptions {
  FileOptions file = {};
  // IPv6: true, IPv6 alone; false, IPv4 as well if the address is [::] (clients
  // appear as [::ffff:1.2.3.4], see SocketAddress::Unmapped); not set, as the
  // system is configured.
  std::optional<bool> ipv6_only = {};
  // SO_REUSEPORT: several sockets of this user share the port, and the system
  // spreads what comes.
  bool reuse_port = false;
  // SO_REUSEADDR: several sockets have the port; each gets what is sent to a
  // multicast group, one of them the rest.
  bool reuse_address = false;
  // SO_BROADCAST: may send to a broadcast address.
  bool broadcast = false;
  SocketBuffers buffers = {};
};

struct ListenOptions {
  FileOptions file = {};               // As above.
  std::optional<bool> ipv6_only = {};  // As above.
  bool reuse_port = false;             // As above.
  // How many connections wait to be accepted; the system has a limit too.
  int backlog = 4096;
  // What is accepted has these too.
  TcpOptions tcp = {};
  SocketBuffers buffers = {};
};

struct MulticastOptions {
  int hops = 1;            // How many routers pass it on, and one; 0 to 255.
  bool loop = true;        // Whether this machine's members hear it as well.
  unsigned interface = 0;  // Where it leaves; 0: as the system's routes say.
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_SOCKET_OPTIONS_H_
