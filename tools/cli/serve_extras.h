// SPDX-License-Identifier: Apache-2.0
//
// What `netpoll serve` tells of itself besides its totals: a trace at the end,
// and answers on a socket of its own meanwhile.

#ifndef NETPOLL_TOOLS_CLI_SERVE_EXTRAS_H_
#define NETPOLL_TOOLS_CLI_SERVE_EXTRAS_H_

#include <cstdio>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/tools/server/pages.h"
#include "netpoll/tools/server/server.h"
#include "netpoll/tools/server/status_server.h"
#include "netpoll/tools/server/trace.h"

namespace netpoll::tools {

// Nothing is done where no path is given.
class TraceFile {
 public:
  explicit TraceFile(std::string path) : path_(std::move(path)) {}
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  ~TraceFile();

  // Before the runtime is made. The file is empty afterwards.
  absl::Status Open(RuntimeOptions& options);
  // When the runtime has stopped; once.
  absl::Status Write();

  bool wanted() const { return !path_.empty(); }
  const std::string& path() const { return path_; }
  const server::Trace& trace() const { return *trace_; }

 private:
  absl::Status Failed() const;

  const std::string path_;
  std::optional<server::Trace> trace_;
  std::FILE* file_ = nullptr;
};

// Answers /metrics and /waits.
class StatusSocket {
 public:
  // At `address`, or at the usual one if that can be had. The pages' makers,
  // `metrics` among them, are called while the runtime runs.
  absl::Status Open(Runtime& runtime, const std::string& address,
                    const server::Page& metrics);
  void End() {
    if (server_) server_->End();
  }

 private:
  server::Pages pages_;
  std::optional<server::StatusServer> server_;
};

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_SERVE_EXTRAS_H_
