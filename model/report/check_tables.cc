// SPDX-License-Identifier: Apache-2.0
//
// The tables of what holds: as they are checked in, and as a terminal has room.
#include <cstdio>
#include <initializer_list>
#include <span>
#include <string>

#include "netpoll/model/report/check.h"

namespace netpoll::model {
namespace {

std::string Padded(const std::string& text, int width) {
  std::string padded = text;
  const std::size_t to = static_cast<std::size_t>(width < 0 ? -width : width);
  if (padded.size() < to) {
    padded.insert(width < 0 ? padded.end() : padded.begin(), to - padded.size(),
                  ' ');
  }
  return padded;
}

std::string Hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(value));
  return text;
}

// To the right of its width, or, where that is negative, to the left. 0: what
// is fitted leaves it out.
struct Column {
  const char* head;
  int width;
  int fitted;
};

constexpr int kName = -25;    // Fitted.
constexpr int kNumbers = 62;  // What a fitted row has of name and numbers.
constexpr int kDigest = 18;

constexpr Column kBounded[] = {{"configuration", -22, kName},
                               {"states", 10, 9},
                               {"transitions", 12, 12},
                               {"at rest", 9, 8},
                               {"longest", 9, 8}};
constexpr Column kClosed[] = {{"runs of any length", -24, kName},
                              {"states", 10, 9},
                              {"transitions", 12, 12},
                              {"at rest", 9, 0},
                              {"components", 12, 0},
                              {"cyclic", 8, 7},
                              {"in cycles", 11, 10}};

bool Fitted(int columns) { return columns != kEverything; }

std::string Cell(const Column& column, const std::string& text, int columns) {
  const int width = Fitted(columns) ? column.fitted : column.width;
  return width == 0 ? "" : Padded(text, width);
}

std::string HeadRow(std::span<const Column> layout, int columns) {
  std::string row;
  for (const Column& column : layout) row += Cell(column, column.head, columns);
  return row;
}

// `cells` may be fewer.
std::string Row(std::span<const Column> layout, int columns,
                std::initializer_list<std::string> cells) {
  std::string row;
  auto column = layout.begin();
  for (const std::string& cell : cells) row += Cell(*column++, cell, columns);
  return row;
}

// An exact number, or "~5.7e49" where that is too long.
std::string Rounded(const std::string& number, int width) {
  if (number.size() <= static_cast<std::size_t>(width)) return number;
  char text[32];
  std::snprintf(text, sizeof text, "~%c.%ce%zu", number[0], number[1],
                number.size() - 1);
  return text;
}

std::string Interleavings(const Survey& survey) {
  return survey.acyclic ? survey.interleavings.Text() : "unbounded";
}

std::string Longest(const Survey& survey) {
  return survey.acyclic ? std::to_string(survey.longest) : "cyclic";
}

// What is behind the numbers of a row.
std::string Behind(const std::string& digest, const std::string& last,
                   int columns) {
  std::string behind;
  if (!Fitted(columns) || columns >= kNumbers + 2 * kDigest) {
    behind += "  " + Padded(digest, -16);
  }
  if (!Fitted(columns)) return behind + "  " + last;
  const int room = columns - kNumbers - static_cast<int>(behind.size()) - 2;
  return behind + "  " +
         (last.empty() || last[0] < '0' || last[0] > '9' ? last
                                                         : Rounded(last, room));
}

// The same where there are cycles: their laws.
std::string BehindClosed(const std::string& digest, int columns) {
  return Fitted(columns) ? "" : "  " + Padded(digest, -16);
}

}  // namespace

std::string Certificate::Head(int columns) {
  return HeadRow(kBounded, columns) +
         Behind("digest", "interleavings", columns) + "\n";
}

std::string Certificate::Line(const Verdict& verdict, int columns) {
  const Survey& survey = verdict.survey;
  return Row(kBounded, columns,
             {verdict.scenario, std::to_string(survey.states),
              std::to_string(survey.transitions),
              std::to_string(survey.at_rest), Longest(survey)}) +
         Behind(Hex(survey.digest), Interleavings(survey), columns) + "\n";
}

std::string Certificate::Total(int columns) const {
  return Row(kBounded, columns,
             {"total " + std::to_string(configurations_),
              std::to_string(states_), std::to_string(transitions_)}) +
         "\n";
}

std::string ClosedHead(int columns) {
  return HeadRow(kClosed, columns) + BehindClosed("digest", columns) +
         "  no cycle breaks\n";
}

std::string ClosedLine(const Verdict& verdict, int columns) {
  const CycleResult& cycles = verdict.cycles;
  std::string laws;
  std::string last;
  for (const std::string& law : cycles.laws) {
    const std::string name = law.substr(0, law.find(':'));
    if (name != last) laws += " " + name;
    last = name;
  }
  return Row(kClosed, columns,
             {verdict.scenario, std::to_string(cycles.states),
              std::to_string(cycles.transitions),
              std::to_string(verdict.survey.at_rest),
              std::to_string(cycles.components), std::to_string(cycles.cyclic),
              std::to_string(cycles.in_cycles)}) +
         BehindClosed(Hex(verdict.survey.digest), columns) + " " + laws + "\n";
}

}  // namespace netpoll::model
