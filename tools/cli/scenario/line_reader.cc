// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/scenario/line_reader.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>

namespace netpoll::scenario {

LineReader::Status LineReader::Next(std::string* line) {
  line->clear();
  for (;;) {
    if (position_ == buffer_.size() && !FillBuffer()) {
      if (error_ != 0) return Status::kError;
      return line->empty() ? Status::kEnd : Status::kLine;
    }
    const std::size_t newline = buffer_.find('\n', position_);
    line->append(buffer_, position_, newline - position_);
    if (line->size() > longest_) return Status::kTooLong;
    if (newline != std::string::npos) {
      position_ = newline + 1;
      return Status::kLine;
    }
    position_ = buffer_.size();
  }
}

bool LineReader::FillBuffer() {
  constexpr std::size_t kChunk = 16384;
  buffer_.resize(kChunk);
  position_ = 0;
  ssize_t count = 0;
  do {
    count = ::read(fd_, buffer_.data(), kChunk);
  } while (count < 0 && errno == EINTR);
  if (count < 0) error_ = errno;
  buffer_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return count > 0;
}

}  // namespace netpoll::scenario
