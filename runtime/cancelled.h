// SPDX-License-Identifier: Apache-2.0
//
// What leaves an await that was cancelled (cancel.h) and has no result of its
// own to say so with: a join.

#ifndef NETPOLL_RUNTIME_CANCELLED_H_
#define NETPOLL_RUNTIME_CANCELLED_H_

#include <exception>

#include "netpoll/runtime/io_status.h"

namespace netpoll {

class Cancelled : public std::exception {
 public:
  explicit Cancelled(IoStatus why) : status_(why) {}
  const char* what() const noexcept override {
    return "netpoll: what waited was cancelled";
  }
  // cancelled(), timeout(), or closing(): the runtime stops.
  IoStatus status() const { return status_; }

 private:
  IoStatus status_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_CANCELLED_H_
