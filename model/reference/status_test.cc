// SPDX-License-Identifier: Apache-2.0
//
// Every status word with every event: core against the reference.

#include "netpoll/core/status.h"

#include <cstdint>
#include <cstdio>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/types.h"
#include "netpoll/model/reference/reference_descriptor.h"
#include "netpoll/model/reference/status_table.h"

namespace netpoll::model::reference {
namespace {

constexpr std::uint32_t kGenerations[] = {1, 7, 0x10000, 0xfffff, 0xffffffff};

// All flags of a word that can be: the last error completes the count.
std::vector<unsigned> AllFlags() {
  std::vector<unsigned> all;
  for (unsigned flags = 0; flags < 256; ++flags) {
    if ((flags & kErrors) == ErrorBits(ErrorsIn(flags))) all.push_back(flags);
  }
  return all;
}

// A model in which exactly `flags` hold.
ReferenceDescriptor ModelOf(unsigned flags) {
  ReferenceDescriptor model;
  model.Open();
  const bool no_more_edges = (flags & kNoMoreEdges) != 0;
  model.Happens(false, false, {.error = false, .no_more_edges = no_more_edges});
  while (ErrorBits(model.errors()) != (flags & kErrors)) {
    model.Happens(false, false, {.error = true, .no_more_edges = false});
  }
  model.PassDeadline((flags & kReadExpired) != 0, (flags & kWriteExpired) != 0);
  if ((flags & kClosing) != 0) model.Unblock();
  return model;
}

// The model's flags as core packs them.
StatusWord FlagsOf(const ReferenceDescriptor& m) {
  return (m.closing() ? kClosing : 0) | ErrorBits(m.errors()) |
         (m.Get(Mode::kRead).expired ? kReadExpired : 0) |
         (m.Get(Mode::kWrite).expired ? kWriteExpired : 0) |
         (m.no_more_edges() ? kNoMoreEdges : 0);
}

StatusWord Word(StatusWord flags, std::uint32_t generation) {
  return flags | (StatusWord{generation} << kGenerationShift);
}

TEST(StatusTest, EveryWordAnswersBothDirectionsAsTheReference) {
  int pairs = 0;
  for (const unsigned flags : AllFlags()) {
    const ReferenceDescriptor model = ModelOf(flags);
    ASSERT_EQ(FlagsOf(model), flags);
    for (const std::uint32_t generation : kGenerations) {
      const StatusWord word = Word(flags, generation);
      for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
        EXPECT_EQ(status::Check(word, direction), model.Check(direction));
        EXPECT_EQ(status::Ended(word, direction), model.Ended(direction));
        ++pairs;
      }
      EXPECT_EQ(status::NoMoreEdges(word), model.no_more_edges());
      EXPECT_EQ(status::Generation(word), generation);
    }
  }
  std::printf("status: %d (word, direction) pairs\n", pairs);
}

TEST(StatusTest, EveryWordWithEveryEventIsAsTheReference) {
  int pairs = 0;
  for (const unsigned flags : AllFlags()) {
    for (unsigned event = 0; event < 4; ++event) {
      const EventFlags said{(event & 1) != 0, (event & 2) != 0};
      ReferenceDescriptor model = ModelOf(flags);
      model.Happens(true, true, said);
      for (const std::uint32_t mine : kGenerations) {
        for (const std::uint32_t its : kGenerations) {
          const StatusStep step = status::Event(Word(flags, mine), its, said);
          const StatusWord next = step.write ? step.next : Word(flags, mine);
          EXPECT_EQ(step.accepted, mine == its);
          EXPECT_EQ(next, Word(mine == its ? FlagsOf(model) : flags, mine));
          ++pairs;
        }
      }
    }
  }
  std::printf("status: %d (word, event) pairs\n", pairs);
}

TEST(StatusTest, EveryWordWithEveryPublishAndOpenIsAsTheReference) {
  constexpr unsigned kOwnedByEvents = kErrors | kNoMoreEdges;
  int pairs = 0;
  for (const unsigned flags : AllFlags()) {
    for (unsigned summary = 0; summary < 8; ++summary) {
      const unsigned bits = (summary & 1) | ((summary & 6) << 1);
      for (const std::uint32_t generation : kGenerations) {
        const StatusStep step = status::Publish(
            Word(flags, 7), {(summary & 1) != 0, (summary & 2) != 0,
                             (summary & 4) != 0, generation});
        const StatusWord next = step.write ? step.next : Word(flags, 7);
        EXPECT_EQ(next, Word((flags & kOwnedByEvents) | bits, generation));
        ++pairs;
      }
    }
    for (const std::uint32_t generation : kGenerations) {
      const StatusStep step = status::Open(Word(flags, 7), generation);
      EXPECT_EQ(step.write ? step.next : Word(flags, 7), Word(0, generation));
      ++pairs;
    }
  }
  std::printf("status: %d (word, publish or open) pairs\n", pairs);
}

}  // namespace
}  // namespace netpoll::model::reference
