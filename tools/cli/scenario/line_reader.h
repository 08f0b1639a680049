// SPDX-License-Identifier: Apache-2.0
//
// Lines of a file descriptor, one by one and of bounded length, so that an
// endless input costs no memory and an interactive one is answered line by
// line.

#ifndef NETPOLL_TOOLS_CLI_SCENARIO_LINE_READER_H_
#define NETPOLL_TOOLS_CLI_SCENARIO_LINE_READER_H_

#include <cstddef>
#include <string>

namespace netpoll::scenario {

class LineReader {
 public:
  enum class Status { kLine, kEnd, kTooLong, kError };

  LineReader(int fd, std::size_t longest) : fd_(fd), longest_(longest) {}

  // The next line, without its newline. The last one may lack it. After
  // anything but kLine, do not call again.
  Status Next(std::string* line);

  int error() const { return error_; }  // The errno, after kError.

 private:
  // True if there is more in the buffer.
  bool FillBuffer();

  int fd_;
  std::size_t longest_;
  std::string buffer_;
  std::size_t position_ = 0;
  int error_ = 0;
};

}  // namespace netpoll::scenario

#endif  // NETPOLL_TOOLS_CLI_SCENARIO_LINE_READER_H_
