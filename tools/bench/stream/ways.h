// SPDX-License-Identifier: Apache-2.0
//
// Ways to move a long stream in one direction, which stream.cc measures.

#ifndef NETPOLL_TOOLS_BENCH_STREAM_WAYS_H_
#define NETPOLL_TOOLS_BENCH_STREAM_WAYS_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace netpoll::bench {

// Descriptors are non-blocking TCP connections, -1 where a way needs none, and
// the way's to close; the file is open for reading and has as many
// bytes as the block.
struct StreamJob {
  int in = -1;
  int out = -1;
  int file = -1;
  std::uint64_t bytes = 0;
  // What a call moves, at the beginning of a page: what it costs to copy
  // depends on where it begins.
  std::span<char> block;
};

struct StreamWay {
  const char* task;  // What is to be done: write, read, file, forward.
  const char* by;    // "raw", which the others are compared with; or another.
  // Until `bytes` were moved. Dies if they can't be.
  void (*run)(const StreamJob& job);
};

// A loop over epoll, edge-triggered, which calls until EAGAIN: raw.cc.
void RawWrite(const StreamJob& job);
// Looks after every eighth block what else there is, as a worker does.
void RawWriteAndLook(const StreamJob& job);
void RawRead(const StreamJob& job);
void RawFile(const StreamJob& job);
void RawForward(const StreamJob& job);
// Tasks of a Runtime with one thread: netpoll.cc.
void TaskWrite(const StreamJob& job);
void TaskWriteUncopied(const StreamJob& job);
void TaskRead(const StreamJob& job);
void TaskFile(const StreamJob& job);
void TaskForward(const StreamJob& job);
void TaskCopy(const StreamJob& job);

}  // namespace netpoll::bench

#endif  // NETPOLL_TOOLS_BENCH_STREAM_WAYS_H_
