// SPDX-License-Identifier: Apache-2.0
//
// A whole file as a string, for tests and generators.

#ifndef NETPOLL_MODEL_SOURCE_READ_FILE_H_
#define NETPOLL_MODEL_SOURCE_READ_FILE_H_

#include <fstream>
#include <sstream>
#include <string>

namespace netpoll::model {

// Empty if it cannot be read.
inline std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SOURCE_READ_FILE_H_
