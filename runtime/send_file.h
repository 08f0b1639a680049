// SPDX-License-Identifier: Apache-2.0
//
// A file's bytes to a socket without passing through the program: sendfile(2).
// Between two sockets: splice.h.
//
//   IoResult sent = co_await SendFile(socket, file_fd, offset, size);

#ifndef NETPOLL_RUNTIME_SEND_FILE_H_
#define NETPOLL_RUNTIME_SEND_FILE_H_

#include <sys/types.h>

#include <cstddef>

#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"

namespace netpoll {

namespace internal {

class SendFileOp : public IoOp {
 public:
  SendFileOp(FdState* fd, int file, off_t offset, std::size_t count)
      : IoOp(fd, Mode::kWrite, &Attempt),
        file_(file),
        offset_(offset),
        count_(count) {}
  IoResult await_resume() const { return result(); }

 private:
  static bool Attempt(IoOp* op);
  int file_;
  off_t offset_;
  std::size_t count_;
};

}  // namespace internal

// Sends `count` bytes of `file` from `offset` on, or why not: `bytes` says how
// many were sent. A file that ends before is ENODATA. `file` is the caller's,
// open for reading; its own position neither counts nor moves. What the file
// system must fetch first blocks the worker meanwhile, as any read of a file
// does. EINVAL: not a file that can be mapped, or the socket is of messages.
inline internal::SendFileOp SendFile(const Descriptor& to, int file,
                                     off_t offset, std::size_t count) {
  return internal::SendFileOp(internal::StateOf(to), file, offset, count);
}

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_SEND_FILE_H_
