// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/shards/shard_files.h"

#include <bit>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

namespace netpoll::model {
namespace {

constexpr char kStates[] = "netpoll-states-1";
constexpr char kPairs[] = "netpoll-pairs-1";

[[noreturn]] void Fail(const std::string& path, const std::string& what) {
  throw ShardFileError(path + ": " + what);
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

std::string Line(std::FILE* file, const std::string& path) {
  std::string line;
  for (int c = std::fgetc(file); c != '\n'; c = std::fgetc(file)) {
    if (c == EOF) Fail(path, "ends within its head");
    line += static_cast<char>(c);
  }
  return line;
}

StatesHead Head(std::FILE* file, const std::string& path) {
  if (Line(file, path) != kStates) Fail(path, "is no file of states");
  StatesHead head;
  std::istringstream fields(Line(file, path));
  for (int width; fields >> width;) head.widths.push_back(width);
  std::istringstream counts(Line(file, path));
  ShardCounts& all = head.counts;
  counts >> all.states >> all.transitions >> all.at_rest >> all.sent >>
      head.keys >> head.waiting;
  if (!counts || head.widths.empty()) Fail(path, "has a head that is broken");
  return head;
}

File Open(const std::string& path) {
  File file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) Fail(path, std::strerror(errno));
  return file;
}

std::vector<KeyField> FieldsOf(const StatesHead& head) {
  std::vector<KeyField> fields;
  int shift = 0;
  for (const int width : head.widths) {
    fields.push_back({shift, (std::uint32_t{1} << width) - 1});
    shift += width;
  }
  return fields;
}

}  // namespace

int StatesHead::bytes() const {
  int bits = 0;
  for (const int width : widths) bits += width;
  return (bits + 7) / 8;
}

StatesWriter::StatesWriter(const std::string& path,
                           const std::vector<KeyField>& fields,
                           const ShardCounts& counts, std::uint64_t keys,
                           std::uint64_t waiting)
    : path_(path),
      file_(std::fopen(path.c_str(), "wb")),
      left_(keys + waiting) {
  if (file_ == nullptr) Fail(path, std::strerror(errno));
  std::string head = std::string(kStates) + "\n";
  int bits = 0;
  for (const KeyField& field : fields) {
    const int width = static_cast<int>(std::bit_width(field.mask));
    bits += width;
    head += std::to_string(width) + " ";
  }
  bytes_ = (bits + 7) / 8;
  head += "\n" + std::to_string(counts.states) + " " +
          std::to_string(counts.transitions) + " " +
          std::to_string(counts.at_rest) + " " + std::to_string(counts.sent) +
          " " + std::to_string(keys) + " " + std::to_string(waiting) + "\n";
  std::fwrite(head.data(), 1, head.size(), file_);
}

StatesWriter::~StatesWriter() {
  if (file_ != nullptr) std::fclose(file_);
}

void StatesWriter::Add(PackedKey key) {
  unsigned char bytes[sizeof key];
  for (int i = 0; i < bytes_; ++i) {
    bytes[i] = static_cast<unsigned char>(key >> (8 * i));
  }
  std::fwrite(bytes, 1, static_cast<std::size_t>(bytes_), file_);
  --left_;
}

void StatesWriter::End() {
  const bool failed = std::ferror(file_) != 0;
  if (std::fclose(file_) != 0 || failed) {
    file_ = nullptr;
    Fail(path_, "could not be written to its end");
  }
  file_ = nullptr;
  if (left_ != 0) Fail(path_, "has fewer states than its head says");
}

StatesHead ReadHead(const std::string& path) {
  return Head(Open(path).get(), path);
}

StatesHead ReadStates(const std::string& path,
                      const std::vector<KeyField>& fields,
                      const std::function<void(PackedKey, bool)>& take) {
  const File file = Open(path);
  StatesHead head = Head(file.get(), path);
  const std::vector<KeyField> old = FieldsOf(head);
  if (old.size() > fields.size()) Fail(path, "is of other tables");
  const auto size = static_cast<std::size_t>(head.bytes());
  unsigned char bytes[sizeof(PackedKey)];
  for (std::uint64_t i = 0; i < head.keys + head.waiting; ++i) {
    if (std::fread(bytes, 1, size, file.get()) != size) {
      Fail(path, "ends after " + std::to_string(i) + " of " +
                     std::to_string(head.keys + head.waiting) + " states");
    }
    PackedKey key = 0;
    for (std::size_t at = 0; at < size; ++at) {
      key |= PackedKey{bytes[at]} << (8 * at);
    }
    PackedKey wider = 0;
    for (std::size_t at = 0; at < old.size(); ++at) {
      wider |= fields[at].Put(old[at].Of(key));
    }
    take(wider, i >= head.keys);
  }
  return head;
}

void WritePairs(const std::string& path, const PairsFile& found) {
  std::ofstream out(path, std::ios::binary);
  out << kPairs << "\n";
  for (const std::string& site : found.seen) out << "seen " << site << "\n";
  for (const Tabulator::Pair& pair : found.pairs) {
    out << pair.thread << " " << pair.node << " " << pair.value << "\n";
  }
  out << "end\n";
  if (!out.flush()) Fail(path, "could not be written to its end");
}

PairsFile ReadPairs(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  PairsFile found;
  std::string line;
  if (!in) Fail(path, std::strerror(errno));
  if (!std::getline(in, line) || line != kPairs) {
    Fail(path, "is no file of pairs");
  }
  while (std::getline(in, line)) {
    if (line == "end") return found;
    if (line.starts_with("seen ")) {
      found.seen.insert(line.substr(5));
      continue;
    }
    std::istringstream numbers(line);
    Tabulator::Pair pair;
    numbers >> pair.thread >> pair.node >> pair.value;
    if (!numbers) Fail(path, "has no pair in the line \"" + line + "\"");
    found.pairs.push_back(pair);
  }
  Fail(path, "ends before its end");
}

}  // namespace netpoll::model
