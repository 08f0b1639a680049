// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/fuzz/corpus.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "netpoll/model/source/digest.h"

namespace netpoll::model {
namespace {

namespace fs = std::filesystem;

// Longer than any input that was written here.
constexpr std::uintmax_t kLongest = 1 << 20;

// In hexadecimal digits.
std::string NameOf(const std::uint8_t* bytes, std::size_t size) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(
                    Fnv1a({reinterpret_cast<const char*>(bytes), size})));
  return text;
}

std::string Sentence(const char* what, const std::string& path,
                     const std::error_code& error) {
  return std::string(what) + " " + path + ": " + error.message();
}

}  // namespace

std::string CorpusFolder::Read(const Target& target,
                               std::vector<Input>* inputs) {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) return Sentence("cannot make the folder", path_, error);
  counts_.assign(target.size(), 0);
  fs::directory_iterator each(path_, error);
  if (error) return Sentence("cannot read the folder", path_, error);
  for (; each != fs::directory_iterator(); each.increment(error)) {
    const fs::path& path = each->path();
    std::error_code not_there;  // Any more.
    const int number = target.NumberOf(path.filename().string());
    if (number < 0 || !fs::is_directory(path, not_there)) {
      ++ignored_;
      continue;
    }
    const std::string wrong =
        ReadFolder(path.string(), static_cast<std::uint8_t>(number), inputs);
    if (!wrong.empty()) return wrong;
  }
  if (error) return Sentence("cannot read the folder", path_, error);
  std::sort(inputs->begin(), inputs->end(), [](const Input& a, const Input& b) {
    return a.bytes.size() != b.bytes.size() ? a.bytes.size() < b.bytes.size()
                                            : a.file < b.file;
  });
  return "";
}

std::string CorpusFolder::ReadFolder(const std::string& folder,
                                     std::uint8_t number,
                                     std::vector<Input>* inputs) {
  std::error_code error;
  fs::directory_iterator each(folder, error);
  if (error) return Sentence("cannot read the folder", folder, error);
  for (; each != fs::directory_iterator(); each.increment(error)) {
    const std::string path = each->path().string();
    std::error_code not_there;  // Any more.
    if (!each->is_regular_file(not_there) ||
        each->file_size(not_there) > kLongest) {
      ++ignored_;
      continue;
    }
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> read{std::istreambuf_iterator<char>(file), {}};
    Bytes bytes = {number};
    bytes.insert(bytes.end(), read.begin(), read.end());
    if (!file.is_open()) {
      return "cannot read " + path + ": " + std::strerror(errno);
    }
    if (NameOf(bytes.data() + 1, bytes.size() - 1) !=
        each->path().filename().string()) {
      ++ignored_;
      continue;
    }
    inputs->push_back({std::move(bytes), path});
    ++counts_[number];
  }
  return error ? Sentence("cannot read the folder", folder, error) : "";
}

std::string CorpusFolder::Write(const Target& target, const Bytes& plain,
                                bool* written) {
  *written = false;
  const std::size_t number = plain[0] % target.size();
  if (counts_[number] >= kMostOfOne) return "";
  const std::string folder = path_ + "/" + target.scenario(number).name;
  const std::string file =
      folder + "/" + NameOf(plain.data() + 1, plain.size() - 1);
  std::error_code error;
  if (fs::exists(file, error)) return "";
  fs::create_directories(folder, error);
  if (error) return Sentence("cannot make the folder", folder, error);
  // Whole or not at all, also for another fuzzer that reads.
  const std::string part = file + "." + std::to_string(::getpid());
  std::ofstream out(part, std::ios::binary);
  out.write(reinterpret_cast<const char*>(plain.data()) + 1,
            static_cast<std::streamsize>(plain.size() - 1));
  out.close();
  if (!out) return "cannot write " + part + ": " + std::strerror(errno);
  fs::rename(part, file, error);
  if (error) return Sentence("cannot write", file, error);
  ++counts_[number];
  *written = true;
  return "";
}

std::string CorpusFolder::Remove(const Input& input) {
  std::error_code error;
  fs::remove(input.file, error);
  if (error) return Sentence("cannot remove", input.file, error);
  --counts_[input.bytes[0]];
  return "";
}

}  // namespace netpoll::model
