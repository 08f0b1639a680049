// SPDX-License-Identifier: Apache-2.0
//
// The tables of what holds: as they are checked in, and as a terminal has room.
#include <cstdio>
#include <initializer_list>
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

// To the right of its width, or, where that is negative, to the left.
struct Column {
  std::string text;
  int width;
};

std::string Row(std::initializer_list<Column> columns) {
  std::string row;
  for (const Column& column : columns) row += Padded(column.text, column.width);
  return row;
}

// Of the numbers that follow a name.
constexpr int kName = -25;
constexpr int kNumbers = 62;  // What a fitted row has of name and numbers.
constexpr int kDigest = 18;

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

// What is behind the numbers of a fitted row.
std::string Behind(const std::string& digest, const std::string& last,
                   int columns) {
  std::string behind;
  if (columns >= kNumbers + 2 * kDigest) behind += "  " + Padded(digest, -16);
  const int room = columns - kNumbers - static_cast<int>(behind.size()) - 2;
  return behind + "  " +
         (last.empty() || last[0] < '0' || last[0] > '9' ? last
                                                         : Rounded(last, room));
}

}  // namespace

std::string Certificate::Head(int columns) {
  if (columns != kEverything) {
    return Row({{"configuration", kName},
                {"states", 9},
                {"transitions", 12},
                {"at rest", 8},
                {"longest", 8}}) +
           Behind("digest", "interleavings", columns) + "\n";
  }
  return Row({{"configuration", -22},
              {"states", 10},
              {"transitions", 12},
              {"at rest", 9},
              {"longest", 9}}) +
         "  " + Padded("digest", -16) + "  interleavings\n";
}

std::string Certificate::Line(const Verdict& verdict, int columns) {
  const Survey& survey = verdict.survey;
  const std::string states = std::to_string(survey.states);
  const std::string transitions = std::to_string(survey.transitions);
  const std::string at_rest = std::to_string(survey.at_rest);
  if (columns != kEverything) {
    return Row({{verdict.scenario, kName},
                {states, 9},
                {transitions, 12},
                {at_rest, 8},
                {Longest(survey), 8}}) +
           Behind(Hex(survey.digest), Interleavings(survey), columns) + "\n";
  }
  return Row({{verdict.scenario, -22},
              {states, 10},
              {transitions, 12},
              {at_rest, 9},
              {Longest(survey), 9}}) +
         "  " + Hex(survey.digest) + "  " + Interleavings(survey) + "\n";
}

std::string Certificate::Total(int columns) const {
  const std::string name = "total " + std::to_string(configurations_);
  const bool fitted = columns != kEverything;
  return Row({{name, fitted ? kName : -22},
              {std::to_string(states_), fitted ? 9 : 10},
              {std::to_string(transitions_), 12}}) +
         "\n";
}

std::string ClosedHead(int columns) {
  if (columns != kEverything) {
    return Row({{"runs of any length", kName},
                {"states", 9},
                {"transitions", 12},
                {"cyclic", 7},
                {"in cycles", 10}}) +
           "  no cycle breaks\n";
  }
  return Row({{"runs of any length", -24},
              {"states", 10},
              {"transitions", 12},
              {"at rest", 9},
              {"components", 12},
              {"cyclic", 8},
              {"in cycles", 11}}) +
         "  " + Padded("digest", -16) + "  no cycle breaks\n";
}

std::string ClosedLine(const Verdict& verdict, int columns) {
  const CycleResult& cycles = verdict.cycles;
  const std::string states = std::to_string(cycles.states);
  const std::string transitions = std::to_string(cycles.transitions);
  const std::string cyclic = std::to_string(cycles.cyclic);
  const std::string in_cycles = std::to_string(cycles.in_cycles);
  std::string laws;
  std::string last;
  for (const std::string& law : cycles.laws) {
    const std::string name = law.substr(0, law.find(':'));
    if (name != last) laws += " " + name;
    last = name;
  }
  if (columns != kEverything) {
    return Row({{verdict.scenario, kName},
                {states, 9},
                {transitions, 12},
                {cyclic, 7},
                {in_cycles, 10}}) +
           " " + laws + "\n";
  }
  return Row({{verdict.scenario, -24},
              {states, 10},
              {transitions, 12},
              {std::to_string(verdict.survey.at_rest), 9},
              {std::to_string(cycles.components), 12},
              {cyclic, 8},
              {in_cycles, 11}}) +
         "  " + Hex(verdict.survey.digest) + " " + laws + "\n";
}

}  // namespace netpoll::model
