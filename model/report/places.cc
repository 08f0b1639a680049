// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/places.h"

#include <cctype>
#include <set>
#include <utility>

#include "netpoll/model/report/source.h"

namespace netpoll::model {
namespace {

// Without the folders above the project.
std::string_view FileOf(const Place& place) {
  constexpr std::string_view kProject = "netpoll/";
  const std::string_view file = place.file;
  const auto at = file.rfind(kProject);
  const bool whole = at == 0 || (at != file.npos && file[at - 1] == '/');
  return whole ? file.substr(at + kProject.size()) : file;
}

// The identifier that ends before `end`, where an index or a call may follow
// it: "links" of "links[i]", "first or next" of "(none ? first_ : last->next)".
// Without the mark of a member.
std::string NameBefore(std::string_view line, std::size_t end) {
  while (end > 0 && (line[end - 1] == ']' || line[end - 1] == ')')) {
    const char open = line[end - 1] == ']' ? '[' : '(';
    const auto at = line.rfind(open, end - 1);
    if (at == line.npos) return "";
    const std::string_view group = line.substr(at, end - 1 - at);
    const auto choice = group.find(" ? ");
    const auto between = group.find(" : ", choice);
    if (choice != group.npos && between != group.npos) {
      return NameBefore(group, between) + " or " +
             NameBefore(group, group.size());
    }
    end = at;
  }
  std::size_t begin = end;
  while (begin > 0) {
    const auto c = static_cast<unsigned char>(line[begin - 1]);
    if (!std::isalnum(c) && c != '_') break;
    --begin;
  }
  std::string name(line.substr(begin, end - begin));
  if (name.ends_with('_')) name.pop_back();
  return name;
}

// Adds what `function` is called of.
void NamesAt(std::string_view line, std::string_view function,
             std::set<std::string>* names) {
  for (std::size_t at = 0; (at = line.find(function, at)) != line.npos;
       at += function.size()) {
    const bool dot = at > 0 && line[at - 1] == '.';
    const bool arrow = at > 1 && line.substr(at - 2, 2) == "->";
    if (dot || arrow) names->insert(NameBefore(line, at - (dot ? 1 : 2)));
  }
}

bool Unnamed(const Object& object) {
  const std::string_view name = object.name;
  constexpr std::string_view kNone = kField;
  return name.starts_with(kNone) &&
         (name.size() == kNone.size() || name[kNone.size()] == '#');
}

}  // namespace

std::string PlaceOf(const Access& access, const Place& place) {
  const std::string_view file = FileOf(place);
  if (file.empty() || file == "core/concurrency.h") {
    return std::string(PlaceOf(std::string_view(access.site)));
  }
  return std::string(file) + ":" + std::to_string(place.line);
}

std::string FieldAt(std::string_view place, Op op) {
  const std::string_view line = LineAt(place);
  std::set<std::string> names;
  NamesAt(line, op == Op::kGet ? "Get(" : "Set(", &names);
  NamesAt(line, "Change(", &names);
  return names.size() == 1 ? *names.begin() : "";
}

void NameFields(Tabulator& tables) {
  std::set<std::string> taken;
  for (const Object* object : tables.world().objects()) {
    if (!Unnamed(*object)) taken.insert(object->name);
  }
  for (int thread = 0; thread < tables.thread_count(); ++thread) {
    for (const Node& node : tables.nodes(thread)) {
      const Access& access = tables.access(node.access);
      if (access.op != Op::kGet && access.op != Op::kSet) continue;
      if (!Unnamed(*access.object)) continue;
      const std::string name = FieldAt(PlaceOf(access, node.place), access.op);
      if (name.empty()) continue;
      std::string numbered = name;
      for (int number = 2; !taken.insert(numbered).second; ++number) {
        numbered = name + "#" + std::to_string(number);
      }
      access.object->name = std::move(numbered);
    }
  }
}

}  // namespace netpoll::model
