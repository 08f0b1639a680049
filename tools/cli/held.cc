// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/held.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpoll/model/source/digest.h"

namespace netpoll::tools {
namespace {

using model::Scenario;

struct CompiledFile {
  const char* path;
  const char* digest;
  const char* includes;
};

constexpr CompiledFile kCompiledFiles[] = {
#include "netpoll/tools/cli/deciding_sources.inc"
};

constexpr char kFirstLine[] = "netpoll-held 2";

// Of text that is made of digests itself.
std::string Hash(const std::string& text) {
  return absl::StrCat(absl::Hex(model::Fnv1a(text), absl::kZeroPad16));
}

}  // namespace

const DecidingSources& CompiledSources() {
  static const auto& sources = *[] {
    auto* const made = new DecidingSources;
    for (const CompiledFile& file : kCompiledFiles) {
      made->digests[file.path] = file.digest;
      (void)made->includes[file.path];
      std::istringstream includes(file.includes);
      for (std::string each; includes >> each;) {
        made->includes[file.path].push_back(each);
      }
    }
#define NETPOLL_FAMILY(NAME, HEADER) made->families.push_back({#NAME, HEADER});
#include "netpoll/model/scenarios/families.inc"
#undef NETPOLL_FAMILY
    return made;
  }();
  return sources;
}

std::set<std::string> FilesOf(const DecidingSources& sources,
                              const model::Family& family,
                              std::string_view leaf) {
  std::set<std::string> files;
  model::Reach(family.header, sources.includes, leaf, &files);
  return files;
}

std::string Compiler() {
#ifdef __OPTIMIZE__
  return __VERSION__ " optimised";
#else
  return __VERSION__;
#endif
}

HeldRecord::HeldRecord(std::string file, const DecidingSources& sources,
                       const std::string& compiler)
    : file_(std::move(file)), sources_(sources) {
  // What no family includes explores them all.
  std::map<std::string, std::string> rest = sources.digests;
  std::map<std::string, std::set<std::string>> reached;
  for (const model::Family& family : sources.families) {
    reached[family.name] = FilesOf(sources, family);
    for (const std::string& path : reached[family.name]) rest.erase(path);
  }
  std::string common = compiler;
  for (const auto& [path, digest] : rest) {
    absl::StrAppend(&common, "\n", path, " ", digest);
  }
  for (const auto& [name, paths] : reached) {
    std::string text = common + "\n" + name;
    for (const std::string& path : paths) {
      absl::StrAppend(&text, "\n", path, " ", sources.digests.at(path));
    }
    keys_[name] = Hash(text);
  }
  Read();
}

std::string HeldRecord::KeyOf(const std::string& family) const {
  const auto found = keys_.find(family);
  return found == keys_.end() ? "" : found->second;
}

void HeldRecord::Read() {
  if (file_.empty()) return;
  std::ifstream in(file_);
  std::string line;
  if (!std::getline(in, line) || line != kFirstLine) return;
  Held* held = nullptr;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    // The name comes last: it may have blanks in it.
    const auto name = [&words] {
      std::string rest;
      std::getline(words >> std::ws, rest);
      return rest;
    };
    if (kind == "end") return;
    if (kind == "file") {
      std::string digest;
      words >> digest;
      all_held_[name()] = digest;
    } else if (kind == "held") {
      std::string key;
      words >> key;
      held = &held_[name()];
      held->key = key;
    } else if (kind == "site" && held != nullptr) {
      model::SiteUse use;
      words >> use.taken >> use.exchanges >> use.failed;
      held->sites[name()] = use;
    } else if (kind == "move" && held != nullptr) {
      model::WordMove move;
      std::uint64_t count = 0;
      words >> count >> move.from >> move.to >> move.wrote;
      move.site = name();
      held->moves[move] = count;
    }
    // What is cut off or spoilt is worth nothing.
    if (!words) break;
  }
  all_held_.clear();
  held_.clear();
}

bool HeldRecord::Holds(const Scenario& scenario) const {
  const auto found = held_.find(scenario.name);
  return found != held_.end() && !found->second.key.empty() &&
         found->second.key == KeyOf(scenario.family);
}

std::vector<std::string> HeldRecord::Changed() const {
  std::vector<std::string> changed;
  for (const auto& [path, digest] : sources_.digests) {
    const auto before = all_held_.find(path);
    if (before == all_held_.end() || before->second != digest) {
      changed.push_back(path);
    }
  }
  for (const auto& [path, digest] : all_held_) {
    if (!sources_.digests.contains(path)) changed.push_back(path);
  }
  return changed;
}

const model::WordMoves& HeldRecord::moves(
    const std::string& configuration) const {
  return held_.at(configuration).moves;
}

const model::SiteUses& HeldRecord::sites(
    const std::string& configuration) const {
  return held_.at(configuration).sites;
}

void HeldRecord::Add(const Scenario& scenario, const model::Verdict& verdict) {
  if (!verdict.ok()) return;
  held_[scenario.name] = {KeyOf(scenario.family), verdict.survey.word_moves,
                          verdict.survey.sites};
}

void HeldRecord::Write(bool all) {
  if (file_.empty()) return;
  if (all) all_held_ = sources_.digests;
  std::string text = absl::StrCat(kFirstLine, "\n");
  for (const auto& [path, digest] : all_held_) {
    absl::StrAppend(&text, "file ", digest, " ", path, "\n");
  }
  for (const auto& [name, held] : held_) {
    absl::StrAppend(&text, "held ", held.key, " ", name, "\n");
    for (const auto& [site, use] : held.sites) {
      absl::StrAppend(&text, "site ", use.taken, " ", use.exchanges, " ",
                      use.failed, " ", site, "\n");
    }
    for (const auto& [move, count] : held.moves) {
      absl::StrAppend(&text, "move ", count, " ", move.from, " ", move.to, " ",
                      move.wrote ? 1 : 0, " ", move.site, "\n");
    }
  }
  text += "end\n";
  // Whole or not at all, also where two check at once.
  const std::string part = absl::StrCat(file_, ".", ::getpid());
  std::ofstream out(part, std::ios::binary);
  out << text;
  out.close();
  if (!out || std::rename(part.c_str(), file_.c_str()) != 0) {
    std::remove(part.c_str());
  }
}

}  // namespace netpoll::tools
