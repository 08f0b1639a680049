// SPDX-License-Identifier: Apache-2.0
//
// A trace (trace.h) that is in its file whole, however the process ends: by
// itself, by a crash, or by SIGKILL. A child process shares its memory, sleeps
// until this one ends, and writes the file then; so nothing is written
// meanwhile, and the file has what happened last. It is written beside its
// place and moved there: what was there before stays until then, and two that
// write to one place do not mix.

#ifndef NETPOLL_TOOLS_SERVER_TRACE_FILE_H_
#define NETPOLL_TOOLS_SERVER_TRACE_FILE_H_

#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "netpoll/runtime/runtime_options.h"
#include "netpoll/tools/server/trace.h"

namespace netpoll::server {

// Nothing is done where no path is given.
class TraceFile {
 public:
  explicit TraceFile(std::string path) : path_(std::move(path)) {}
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  ~TraceFile();

  // Before the runtime is made, and before there are threads. Nothing is at its
  // place yet that was not; what is no regular file there is written to itself.
  absl::Status Open(RuntimeOptions& options);
  // When the runtime has stopped; once. The file is whole afterwards.
  absl::Status Write();

  bool wanted() const { return !path_.empty(); }
  const std::string& path() const { return path_; }
  const Trace& trace() const { return *trace_; }

 private:
  // What the child is told; nothing, if this process is no more.
  enum class Word : char { kStopped = 1, kNothing };

  absl::Status Failed(int error) const;
  // Where it goes. An errno.
  int FindPlace();
  // The child's whole life.
  [[noreturn]] void Keep(int leash);
  // An errno.
  int WriteAs(bool killed);
  // Tells the child, and waits for it. An errno.
  int End(Word word);

  const std::string path_;
  std::string place_;   // The path behind links; and beside it.
  std::string beside_;  // Empty: it is written to `file_`.
  std::FILE* file_ = nullptr;
  std::unique_ptr<Trace> trace_;
  int leash_ = -1;  // A pipe to the child; it ends with this process.
  pid_t child_ = -1;
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_TRACE_FILE_H_
