// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/graphs/graph_story.h"

#include "netpoll/model/report/source.h"

namespace netpoll::model {

std::string GraphStory::ReplayText() const {
  return GraphString{model, variant, scenario, std::string(SourceDigest()),
                     choices}
      .Text();
}

}  // namespace netpoll::model
