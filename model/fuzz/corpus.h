// SPDX-License-Identifier: Apache-2.0
//
// A folder of inputs that led a fuzzer to states that were new, to begin with
// next time: FOLDER/CONFIGURATION/HASH. A file is an input without its first
// byte (target.h), since numbers of configurations change and names do not. Its
// name is the hash of what is in it, so folders are merged by copying, several
// fuzzers may use one at a time, and nothing else in it is ever touched.

#ifndef NETPOLL_MODEL_FUZZ_CORPUS_H_
#define NETPOLL_MODEL_FUZZ_CORPUS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/model/fuzz/target.h"

namespace netpoll::model {

class CorpusFolder {
 public:
  explicit CorpusFolder(std::string path) : path_(std::move(path)) {}

  struct Input {
    Bytes bytes;
    std::string file;
  };

  // Reads the inputs of the target's configurations, the shortest first. Empty,
  // or what went wrong in a sentence.
  std::string Read(const Target& target, std::vector<Input>* inputs);
  // Files and folders that Read did not know.
  int ignored() const { return ignored_; }

  // Writes an input (a plain one) unless it is there, or its configuration has
  // as many as it may. Empty, or what went wrong.
  std::string Write(const Target& target, const Bytes& plain, bool* written);
  std::string Remove(const Input& input);

  static constexpr std::size_t kMostOfOne = 1024;

 private:
  std::string ReadFolder(const std::string& folder, std::uint8_t number,
                         std::vector<Input>* inputs);

  const std::string path_;
  std::vector<std::size_t> counts_;  // Of each configuration.
  int ignored_ = 0;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_FUZZ_CORPUS_H_
