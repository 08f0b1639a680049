// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/source/reach.h"

#include <sstream>

namespace netpoll::model {
namespace {

constexpr std::string_view kInclude = "#include \"netpoll/";

bool Implements(std::string_view source, std::string_view header) {
  if (!source.ends_with(".cc") || !header.ends_with(".h")) return false;
  const std::string_view stem = header.substr(0, header.size() - 2);
  return source.starts_with(stem) &&
         (source[stem.size()] == '.' || source[stem.size()] == '_');
}

}  // namespace

std::string Included(std::string_view line) {
  if (!line.starts_with(kInclude)) return "";
  line.remove_prefix(kInclude.size());
  return std::string(line.substr(0, line.find('"')));
}

std::vector<std::string> AllIncluded(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::string included = Included(line);
    if (!included.empty()) all.push_back(std::move(included));
  }
  return all;
}

void Reach(const std::string& file, const Includes& files,
           std::string_view leaf, std::set<std::string>* reached) {
  const auto found = files.find(file);
  if (found == files.end() || !reached->insert(file).second) return;
  if (file == leaf) return;
  for (const std::string& included : found->second) {
    Reach(included, files, leaf, reached);
  }
  for (const auto& [path, includes] : files) {
    if (Implements(path, file)) Reach(path, files, leaf, reached);
  }
}

std::vector<Family> FamiliesIn(std::string_view text) {
  constexpr std::string_view kBefore = "NETPOLL_FAMILY(";
  std::vector<Family> families;
  for (;;) {
    const auto at = text.find(kBefore);
    if (at == std::string_view::npos) return families;
    text.remove_prefix(at + kBefore.size());
    const auto comma = text.find(',');
    const auto begin = text.find('"');
    if (begin == std::string_view::npos || comma > begin) return families;
    const auto end = text.find('"', begin + 1);
    families.push_back({std::string(text.substr(0, comma)),
                        std::string(text.substr(begin + 1, end - begin - 1))});
  }
}

}  // namespace netpoll::model
