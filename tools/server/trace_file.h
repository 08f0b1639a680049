// SPDX-License-Identifier: Apache-2.0
//
// A trace (trace.h) that is in its file whole, however the process ends: by
// itself, by a crash, or by SIGKILL. A child process shares its memory, sleeps
// until this one ends, and writes the file then; so nothing is written
// meanwhile, and the file has what happened last.

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

  // Before the runtime is made, and before there are threads. The file is empty
  // afterwards.
  absl::Status Open(RuntimeOptions& options);
  // When the runtime has stopped; once. The file is whole afterwards.
  absl::Status Write();

  bool wanted() const { return !path_.empty(); }
  const std::string& path() const { return path_; }
  const Trace& trace() const { return *trace_; }

 private:
  absl::Status Failed(int error) const;
  // The child's whole life.
  [[noreturn]] void Keep(int leash, std::FILE* file);
  // Lets it write, and waits for it. `stopped`: nothing is half done. An errno.
  int End(bool stopped);

  const std::string path_;
  std::unique_ptr<Trace> trace_;
  int leash_ = -1;  // A pipe to the child; it ends with this process.
  pid_t child_ = -1;
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_TRACE_FILE_H_
