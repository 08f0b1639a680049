// SPDX-License-Identifier: Apache-2.0
//
// Bytes that go from one descriptor to another without passing through the
// program: sendfile(2) and splice(2).
//
//   IoResult sent = co_await SendFile(socket, file_fd, offset, size);
//   IoResult moved = co_await Forward(runtime, client, server);

#ifndef NETPOLL_RUNTIME_SEND_FILE_H_
#define NETPOLL_RUNTIME_SEND_FILE_H_

#include <sys/types.h>

#include <cstddef>

#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/task.h"

namespace netpoll {

class Runtime;

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

// Moves what `from` gives to `to`, through a pipe of its own, until `from` ends
// (ok), or why not: `bytes` says how many have reached `to`. Sockets of
// streams, pipes. Neither is closed or shut down. What the two can't do so is
// copied instead. EMFILE: no descriptors for the pipe.
//
// Ended by a deadline of `to`, what was under way in the pipe is lost.
Task<IoResult> Forward(Runtime& runtime, Descriptor& from, Descriptor& to);

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_SEND_FILE_H_
