// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/mutants/compose.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "netpoll/model/source/comments.h"
#include "netpoll/model/source/reach.h"

namespace netpoll::model {
namespace {

constexpr std::string_view kInclude = "#include \"netpoll/";

void Mute(std::string* line) {
  constexpr std::string_view kAssert = "static_assert(";
  const auto at = line->find(kAssert);
  if (at != std::string::npos) {
    line->replace(at, kAssert.size(), "NETPOLL_MUTED(");
  }
}

bool IsGuard(const std::string& line) {
  return line.find(" NETPOLL_") != std::string::npos && line.ends_with("_H_") &&
         line.starts_with('#');
}

using BareTexts = std::map<std::string, std::string>;

// Writes one mutant.
class Writer {
 public:
  Writer(const Row& row, const Sources& sources, BareTexts& bare,
         ComposedUnit& unit)
      : row_(row), sources_(sources), bare_(bare), unit_(unit) {}

  // Appends a family of scenarios: its header, and what implements it.
  bool InlineFamily(const ComposedFamily& composed, std::string* why) {
    if (!Inline(composed.family.header, why)) return false;
    for (const std::string& file : composed.files) {
      if (!Inline(file, why)) return false;
    }
    return true;
  }

  bool has(const std::string& file) const { return done_.count(file) != 0; }

 private:
  // Appends `file` unless it was there before.
  bool Inline(const std::string& file, std::string* why) {
    if (!done_.insert(file).second) return true;
    std::string text = sources_.at(file);
    if (!Apply(row_, file, &text, why)) return false;
    const auto [mutated, shipped] = AfterChanges(text, sources_.at(file));
    std::istringstream lines(text);
    std::istringstream bare_lines(Bare(file, text));
    int number = 0;
    Position(file, 1);
    for (std::string line, bare; std::getline(lines, line);) {
      std::getline(bare_lines, bare);
      if (++number == mutated && mutated != shipped) Position(file, shipped);
      const std::string included = Included(line);
      if (sources_.count(included) != 0) {
        if (!Inline(included, why)) return false;
        Position(file, number + 1 + (number < mutated ? 0 : shipped - mutated));
        continue;
      }
      if (!included.empty()) unit_.outside.insert(included);
      if (!included.empty() || IsGuard(line)) bare.clear();
      Mute(&bare);
      unit_.text += bare + "\n";
    }
    return true;
  }

  // Most files are those of all mutants.
  std::string Bare(const std::string& file, const std::string& text) {
    if (text != sources_.at(file)) return WithoutComments(text);
    std::string& bare = bare_[file];
    if (bare.empty()) bare = WithoutComments(text);
    return bare;
  }

  // Where the part begins that is the same to the end, in each: what is said of
  // a line there is said of the file that a reader has.
  static std::pair<int, int> AfterChanges(std::string_view changed,
                                          std::string_view before) {
    if (changed == before) return {0, 0};
    const auto lines = [](std::string_view text) {
      return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    };
    const auto same = std::mismatch(changed.rbegin(), changed.rend(),
                                    before.rbegin(), before.rend());
    const int last = lines({same.first.base(), changed.end()});
    return {lines(changed) - last + 2, lines(before) - last + 2};
  }

  void Position(const std::string& file, int line) {
    unit_.text += "#line " + std::to_string(line) + " \"" + file + "\"\n";
  }

  const Row& row_;
  const Sources& sources_;
  BareTexts& bare_;
  ComposedUnit& unit_;
  std::set<std::string> done_;
};

std::string Identifier(const std::string& name) {
  std::string identifier = "netpoll_mutant_";
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9');
    identifier += plain ? c : '_';
  }
  return identifier;
}

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// The worlds of the backends are for mutants of the backends: those of core
// have worlds of their own, and are many.
bool IsFor(const std::string& family, const Row& row) {
  if (!family.starts_with("model/systems/")) return true;
  return std::any_of(row.changes.begin(), row.changes.end(),
                     [](const Change& change) {
                       return change.file.starts_with("backends/");
                     });
}

// What the row changes, each once, as a list of C++.
std::string Files(const Row& row) {
  std::set<std::string> files;
  for (const Change& change : row.changes) files.insert(Quoted(change.file));
  std::string list;
  for (const std::string& file : files) {
    list += (list.empty() ? "" : ", ") + file;
  }
  return list;
}

// A mutant that is the shipped source with one access weaker.
void WriteWeaker(const Row& row, ComposedUnit& unit) {
  unit.text += "static const netpoll::model::VariantRegistrar " +
               Identifier(row.name) + "({" + Quoted(row.name) + ", " +
               Quoted(row.about) + ", {}, {" + Quoted(row.weaker_site) +
               ", netpoll::model::WeaknessNamed(" + Quoted(row.weaker_how) +
               ")}});\n";
}

}  // namespace

Composer::Composer(Sources sources) : sources_(std::move(sources)) {
  Includes includes;
  for (const auto& [path, text] : sources_) includes[path] = AllIncluded(text);
  for (const Family& family : FamiliesIn(sources_.at(kMatrixSource))) {
    ComposedFamily composed{family, {}};
    Reach(family.header, includes, kSeam, &composed.files);
    families_.push_back(std::move(composed));
  }
}

bool Composer::IsWanted(const ComposedFamily& composed, const Row& row) const {
  if (!IsFor(composed.family.header, row)) return false;
  const auto only = only_.find(row.name);
  if (only != only_.end() && !only->second.contains(composed.family.name)) {
    return false;
  }
  return std::any_of(row.changes.begin(), row.changes.end(),
                     [&](const Change& change) {
                       return composed.files.contains(change.file);
                     });
}

bool Composer::Write(const Row& row, ComposedUnit& unit, std::string* why) {
  if (!row.weaker_site.empty()) {
    WriteWeaker(row, unit);
    return true;
  }
  for (const Change& change : row.changes) {
    if (sources_.contains(change.file)) continue;
    *why = row.name + ": " + change.file +
           " is not among the sources of the model";
    return false;
  }
  Writer writer(row, sources_, bare_, unit);
  // What is outside is seen from within.
  unit.text += "namespace " + Identifier(row.name) +
               "::model { using namespace netpoll::model; }\n"
               "#define netpoll " +
               Identifier(row.name) + "\n";
  std::string calls;
  for (const ComposedFamily& composed : families_) {
    if (!IsWanted(composed, row)) continue;
    if (!writer.InlineFamily(composed, why)) return false;
    calls += "  Add" + composed.family.name + "Scenarios(all);\n";
  }
  for (const Change& change : row.changes) {
    if (writer.has(change.file)) continue;
    *why = row.name + ": no scenario contains " + change.file;
    return false;
  }
  unit.text +=
      "#line 1 \"registration\"\n"
      "namespace netpoll::model {\n"
      "namespace {\n"
      "std::vector<Scenario> Scenarios() {\n"
      "  std::vector<Scenario> all;\n" +
      calls +
      "  return all;\n"
      "}\n"
      "const VariantRegistrar kRegistrar(\n"
      "    {" +
      Quoted(row.name) + ", " + Quoted(row.about) + ", Scenarios(), {}, {" +
      Files(row) +
      "}});\n"
      "}  // namespace\n"
      "}  // namespace netpoll::model\n"
      "#undef netpoll\n";
  return true;
}

bool Composer::Compose(const std::vector<Row>& rows, std::string* out,
                       std::string* why) {
  ComposedUnit unit;
  unit.outside.insert("model/engine/scenario.h");
  for (const Row& row : rows) {
    if (!Write(row, unit, why)) return false;
  }
  *out = "#define NETPOLL_MUTED(...) static_assert(true)\n";
  for (const std::string& header : unit.outside) {
    *out += std::string(kInclude) + header + "\"\n";
  }
  *out += unit.text;
  return true;
}

}  // namespace netpoll::model
