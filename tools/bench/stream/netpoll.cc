// SPDX-License-Identifier: Apache-2.0
//
// The same as raw.cc by tasks.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/send_file.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/splice.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/zero_copy.h"
#include "netpoll/tools/bench/die.h"
#include "netpoll/tools/bench/stream/ways.h"

namespace netpoll::bench {
namespace {

Socket Adopted(Runtime& runtime, int fd) {
  auto socket = Socket::Adopt(runtime, fd);
  if (!socket.ok()) Die(socket.status().ToString());
  return *std::move(socket);
}

void Check(const IoStatus& status) {
  if (!status.ok()) Die(status.ToString());
}

using Body = Task<> (*)(Runtime& runtime, const StreamJob& job);
void Run(const StreamJob& job, Body body) {
  Runtime runtime;
  runtime.Spawn(body(runtime, job));
  const absl::Status ran = runtime.Run();
  if (!ran.ok()) Die(ran.ToString());
}

Task<> Write(Runtime& runtime, const StreamJob& job) {
  Socket out = Adopted(runtime, job.out);
  const std::string_view block(job.block.data(), job.block.size());
  for (std::uint64_t sent = 0; sent < job.bytes; sent += block.size()) {
    const IoResult put = co_await out.Write(block);
    Check(put.status);
  }
}

// The block never changes, so nobody need wait until it is released.
Task<> WriteUncopied(Runtime& runtime, const StreamJob& job) {
  Socket socket = Adopted(runtime, job.out);
  ZeroCopyWriter out(socket);
  const std::string_view block(job.block.data(), job.block.size());
  for (std::uint64_t sent = 0; sent < job.bytes; sent += block.size()) {
    const IoResult put = co_await out.Write(block);
    Check(put.status);
  }
  const IoStatus released = co_await out.Released();
  Check(released);
}

Task<> Read(Runtime& runtime, const StreamJob& job) {
  Socket in = Adopted(runtime, job.in);
  const std::span<char> block = job.block;
  for (std::uint64_t all = 0; all < job.bytes;) {
    const IoResult got = co_await in.Read(block);
    Check(got.status);
    if (got.bytes == 0) Die("read: the stream has ended");
    all += got.bytes;
  }
}

Task<> File(Runtime& runtime, const StreamJob& job) {
  Socket out = Adopted(runtime, job.out);
  for (std::uint64_t sent = 0; sent < job.bytes; sent += job.block.size()) {
    const IoResult put = co_await SendFile(out, job.file, 0, job.block.size());
    Check(put.status);
  }
}

Task<> Splice(Runtime& runtime, const StreamJob& job) {
  Socket in = Adopted(runtime, job.in);
  Socket out = Adopted(runtime, job.out);
  auto pipe = SplicePipe::Make();
  if (!pipe.ok()) Die(pipe.status().ToString());
  const SpliceResult moved = co_await pipe->Move(in, out, job.bytes);
  Check(moved.status);
}

Task<> Copy(Runtime& runtime, const StreamJob& job) {
  Socket in = Adopted(runtime, job.in);
  Socket out = Adopted(runtime, job.out);
  const std::span<char> block = job.block;
  for (std::uint64_t all = 0; all < job.bytes;) {
    const IoResult got = co_await in.Read(block);
    Check(got.status);
    if (got.bytes == 0) Die("read: the stream has ended");
    const IoResult put = co_await out.Write({block.data(), got.bytes});
    Check(put.status);
    all += got.bytes;
  }
}

}  // namespace

void TaskWrite(const StreamJob& job) { Run(job, &Write); }
void TaskWriteUncopied(const StreamJob& job) { Run(job, &WriteUncopied); }
void TaskRead(const StreamJob& job) { Run(job, &Read); }
void TaskFile(const StreamJob& job) { Run(job, &File); }
void TaskForward(const StreamJob& job) { Run(job, &Splice); }
void TaskCopy(const StreamJob& job) { Run(job, &Copy); }

}  // namespace netpoll::bench
