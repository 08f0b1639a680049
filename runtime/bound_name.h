// SPDX-License-Identifier: Apache-2.0
//
// The file that bind() makes for a Unix socket, and who may remove it: a name
// is not the socket. Whoever comes later may have given the name to something
// else, and the process may have changed its folder. So what is remembered is
// the file itself (device and inode, which nothing else gets while the socket
// is open) and its absolute path, and only that file is removed.
//
// A file that takes the name between the last look and the removal is removed
// in its place: no system can remove a file by its inode.

#ifndef NETPOLL_RUNTIME_BOUND_NAME_H_
#define NETPOLL_RUNTIME_BOUND_NAME_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "netpoll/runtime/address.h"

namespace netpoll::internal {

class BoundName {
 public:
  // The absolute path of the address's file, empty if there is none (abstract,
  // unnamed, no Unix address). Asked for before the socket is bound: another
  // thread may change the process's folder at any time.
  static std::string Path(const SocketAddress& address);
  // The file of a socket that was bound to `address`, `path` being Path() of
  // before. Null if it has none, or if it cannot be told which it is: such a
  // file stays.
  static std::unique_ptr<BoundName> Of(const SocketAddress& address,
                                       std::string path);

  // Removes the file if it is still the socket's and this is the process that
  // bound it, not a child. Call it once, while the socket is open.
  void Remove() const;

 private:
  BoundName() = default;

  std::string path_;  // Absolute.
  dev_t device_ = 0;
  ino_t inode_ = 0;
  pid_t process_ = 0;
};

// While it lives, no other FolderLock of the same folder does, in any process.
// So a dead socket's file is looked at, removed and bound anew by one alone.
class FolderLock {
 public:
  // Locks the folder of the address's file.
  explicit FolderLock(const SocketAddress& address);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  // 0, or why it isn't locked; EWOULDBLOCK: another has it. Does not wait.
  int error() const { return error_; }

 private:
  int fd_ = -1;
  int error_ = 0;
};

// Removes the file of a Unix socket of `type` if nobody is behind it any more:
// the file is a socket, and connecting to it is refused. True if so.
bool RemoveDead(const SocketAddress& address, int type);

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_BOUND_NAME_H_
