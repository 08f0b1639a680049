// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/io_status.h"

#include <cstring>
#include <string>

namespace netpoll {

std::string ErrnoName(int error) {
  const char* const name = ::strerrorname_np(error);
  return name != nullptr ? name : "errno " + std::to_string(error);
}

std::string IoStatus::ToString() const {
  if (cancelled()) return "cancelled";
  const int error = error_number();
  return error != 0 ? ErrnoName(error) : Name(poll_error());
}

}  // namespace netpoll
