// SPDX-License-Identifier: Apache-2.0
//
// What edge_pipe.h does with the answers of a pipe, one by one. That no wake-up
// is lost is for the checker to show (model/scenarios/pipe_world.h).

#include "netpoll/core/edge_pipe.h"

#include <cerrno>
#include <deque>
#include <string>

#include "gtest/gtest.h"

namespace netpoll {
namespace {

// Answers by a script, and then as an empty pipe with room does.
struct Script {
  static constexpr int kMostRead = 16;
  int Write() { return Next('w', &writes, 1); }
  int Read() { return Next('r', &reads, -EAGAIN); }

  int Next(char call, std::deque<int>* answers, int otherwise) {
    calls += call;
    if (answers->empty()) return otherwise;
    const int answer = answers->front();
    answers->pop_front();
    return answer;
  }

  std::deque<int> writes, reads;
  std::string calls = {};
};

TEST(EdgePipe, APostIsOneByte) {
  Script ends;
  EXPECT_EQ(edge_pipe::Post(ends), 0);
  EXPECT_EQ(ends.calls, "w");
}

TEST(EdgePipe, AnInterruptedPostIsMadeAgain) {
  Script ends{.writes = {-EINTR, -EINTR}};
  EXPECT_EQ(edge_pipe::Post(ends), 0);
  EXPECT_EQ(ends.calls, "www");
}

TEST(EdgePipe, AFullPipeIsEmptiedAndWrittenTo) {
  Script ends{.writes = {-EAGAIN}, .reads = {16, 16, 3}};
  EXPECT_EQ(edge_pipe::Post(ends), 0);
  EXPECT_EQ(ends.calls, "wrrrw");
}

TEST(EdgePipe, WhatCannotBePostedIsAnError) {
  Script full{.writes = {-EAGAIN, -EAGAIN}};
  EXPECT_EQ(edge_pipe::Post(full), -EAGAIN);
  EXPECT_EQ(full.calls, "wrw");
  Script broken{.writes = {-EPIPE}};
  EXPECT_EQ(edge_pipe::Post(broken), -EPIPE);
  Script nothing{.writes = {0}};
  EXPECT_EQ(edge_pipe::Post(nothing), -EIO);
  Script unreadable{.writes = {-EAGAIN}, .reads = {-EBADF}};
  EXPECT_EQ(edge_pipe::Post(unreadable), -EBADF);
  EXPECT_EQ(unreadable.calls, "wr");
}

TEST(EdgePipe, ThePollThatBlocksTakesAllThereIs) {
  Script ends{.reads = {-EINTR, 16, 16, -EINTR, 1}};
  EXPECT_EQ(edge_pipe::Take(ends, true), 0);
  EXPECT_EQ(ends.calls, "rrrrr");
  Script exactly{.reads = {16}};
  EXPECT_EQ(edge_pipe::Take(exactly, true), 0);
  EXPECT_EQ(exactly.calls, "rr");
}

TEST(EdgePipe, OneThatDoesNotPassesItOnByAnEdge) {
  Script ends{.reads = {1}};
  EXPECT_EQ(edge_pipe::Take(ends, false), 0);
  EXPECT_EQ(ends.calls, "rw");
}

TEST(EdgePipe, APipeThatHasEndedIsAnError) {
  for (const bool blocking : {false, true}) {
    Script ended{.reads = {0}};
    EXPECT_EQ(edge_pipe::Take(ended, blocking), -EPIPE);
    EXPECT_EQ(ended.calls, "r");
    Script broken{.reads = {-EBADF}};
    EXPECT_EQ(edge_pipe::Take(broken, blocking), -EBADF);
    EXPECT_EQ(broken.calls, "r") << "nothing is written";
  }
}

}  // namespace
}  // namespace netpoll
