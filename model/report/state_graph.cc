// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/state_graph.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "netpoll/model/engine/explore.h"
#include "netpoll/model/engine/walk.h"
#include "netpoll/model/report/markup.h"

namespace netpoll::model {
namespace {

constexpr int kColumn = 46;
constexpr int kRow = 34;
constexpr int kMargin = 30;
constexpr int kColors = 6;

constexpr char kStyle[] =
    ".states text{font:12px sans-serif;fill:#1d2125}"
    ".states circle{fill:#fff;stroke:#525b63;stroke-width:1.5}"
    ".states circle.rest{fill:#17633a}.states circle.start{stroke-width:4}"
    ".states path{fill:none;stroke-width:1.6}"
    ".states .t0{stroke:#1f6fb2}.states .t1{stroke:#b3541e}"
    ".states .t2{stroke:#17633a}.states .t3{stroke:#8a2f9e}"
    ".states .t4{stroke:#8f6a00}.states .t5{stroke:#525b63}"
    "@media (prefers-color-scheme:dark){.states text{fill:#e4e7ea}"
    ".states circle{fill:#15181b;stroke:#a9b3bb}"
    ".states circle.rest{fill:#7bd79c}.states .t0{stroke:#6bb3f0}"
    ".states .t1{stroke:#f0965c}.states .t2{stroke:#7bd79c}"
    ".states .t3{stroke:#d78be8}.states .t4{stroke:#e0bd55}"
    ".states .t5{stroke:#a9b3bb}}";

struct Edge {
  std::uint32_t from;
  std::uint32_t to;
  int thread;
  std::string site;
};

std::string Number(int number) { return std::to_string(number); }

// Walks the states and keeps where each step leads.
class Graph {
 public:
  Graph(Tabulator& tables, int width) : tables_(tables), walk_(tables, width) {
    walk_.stepper().did = &did_;
    walk_.Add(walk_.stepper().Initial().data());
    depth_.push_back(0);
    complete_ = walk_.Run(*this);
  }

  bool Enter(std::uint32_t) {
    return walk_.states().size() <= std::size_t{kMostDrawnStates};
  }
  bool Step(std::uint32_t, Choice) { return true; }
  bool Come(std::uint32_t from, Choice choice, std::uint32_t to, bool added) {
    if (added) depth_.push_back(depth_[from] + 1);
    const char* const site =
        did_.empty() ? "" : tables_.access(did_[0].access).site;
    edges_.push_back({from, to, choice.thread, site});
    return true;
  }
  void Leave(std::uint32_t number, Outlook outlook) {
    rests_.resize(number + 1);
    rests_[number] = outlook != Outlook::kGoesOn;
  }

  std::string Svg(const std::string& name, bool alone) const {
    if (!complete_) return "";
    const int deepest = *std::max_element(depth_.begin(), depth_.end());
    std::vector<int> at(depth_.size());
    std::vector<int> room(static_cast<std::size_t>(deepest) + 1, 0);
    for (std::size_t i = 0; i < depth_.size(); ++i) at[i] = room[depth_[i]]++;
    const int widest = *std::max_element(room.begin(), room.end());
    const int width = std::max(2 * kMargin + widest * kColumn, 420);
    const int top = kMargin + 20 * (1 + static_cast<int>(threads().size()));
    const int height = top + kMargin + deepest * kRow;
    const auto x = [&](std::uint32_t i) {
      return width / 2 + (2 * at[i] - room[depth_[i]] + 1) * kColumn / 2;
    };
    const auto y = [&](std::uint32_t i) { return top + depth_[i] * kRow; };
    std::string text =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"states\" "
        "role=\"img\" "
        "viewBox=\"0 0 " +
        Number(width) + " " + Number(height) + "\" width=\"" + Number(width) +
        "\" height=\"" + Number(height) + "\">" + "<title>" +
        HtmlText("the states of " + name) + "</title>" +
        (alone ? std::string("<style>") + kStyle + "</style>" : "") + Legend();
    for (const Edge& edge : edges_) {
      text += Line(edge, x(edge.from), y(edge.from), x(edge.to), y(edge.to));
    }
    for (std::uint32_t i = 0; i < depth_.size(); ++i) {
      text += "<circle cx=\"" + Number(x(i)) + "\" cy=\"" + Number(y(i)) +
              "\" r=\"6\"" +
              (i == 0      ? " class=\"start\""
               : rests_[i] ? " class=\"rest\""
                           : "") +
              "><title>" + Number(depth_[i]) + " steps</title></circle>\n";
    }
    return text + "</svg>\n";
  }

 private:
  const std::vector<World::ThreadSpec>& threads() const {
    return tables_.world().threads();
  }

  std::string Legend() const {
    std::string text;
    for (std::size_t i = 0; i < threads().size(); ++i) {
      const int y = 20 + 20 * static_cast<int>(i);
      text += "<path class=\"t" + Number(static_cast<int>(i) % kColors) +
              "\" d=\"M10 " + Number(y) + "h30\"/><text x=\"48\" y=\"" +
              Number(y + 4) + "\">" + HtmlText(threads()[i].name) + "</text>\n";
    }
    const int y = 20 + 20 * static_cast<int>(threads().size());
    return text + "<circle class=\"rest\" cx=\"24\" cy=\"" + Number(y) +
           "\" r=\"6\"/><text x=\"48\" y=\"" + Number(y + 4) +
           "\">nothing more must happen</text>\n";
  }

  // Bent, where it leads back or to a neighbour.
  static std::string Line(const Edge& edge, int x0, int y0, int x1, int y1) {
    std::string path = "M" + Number(x0) + " " + Number(y0);
    if (y1 == y0 + kRow) {
      path += "L" + Number(x1) + " " + Number(y1);
    } else {
      path += "Q" + Number((x0 + x1) / 2 + kColumn) + " " +
              Number((y0 + y1) / 2) + " " + Number(x1) + " " + Number(y1);
    }
    return "<path class=\"t" + Number(edge.thread % kColors) + "\" d=\"" +
           path + "\"><title>" + HtmlText(edge.site) + "</title></path>\n";
  }

  Tabulator& tables_;
  Walk walk_;
  std::vector<Stepper::Did> did_;
  std::vector<int> depth_;
  std::vector<bool> rests_;
  std::vector<Edge> edges_;
  bool complete_ = false;
};

}  // namespace

std::string_view StateGraphStyle() { return kStyle; }

std::string StateGraphSvg(const Scenario& scenario, bool alone) {
  std::string svg;
  Exploration(scenario).WithTables([&](Tabulator& tables) {
    svg = WithRoom(tables, [&](int width) {
      return Graph(tables, width).Svg(scenario.name, alone);
    });
  });
  return svg;
}

}  // namespace netpoll::model
