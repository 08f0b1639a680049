// SPDX-License-Identifier: Apache-2.0
//
// What the search of graphs comes to on what ships, in numbers that depend on
// neither compiler nor workers: weak.golden.

#ifndef NETPOLL_MODEL_WEAK_CERTIFICATE_H_
#define NETPOLL_MODEL_WEAK_CERTIFICATE_H_

#include <string>
#include <vector>

namespace netpoll::model {

// Of the shipped configurations, in order. Those over a system have as many
// threads as they have; with those of more threads come the long ones of three.
enum class Size { kTwoOrThreeThreads, kMoreThreads, kOverSystems };
std::vector<std::string> ConfigurationsOf(Size size);

// What is found under each model (but of two or three threads, under RC11
// only), a line each; and how many were seen to their end. Of what has more
// graphs than are looked at according to `on_file`, a certificate or nothing,
// few are looked at: that there are more than few, and that no law breaks in
// those.
std::string WeakCertificate(const std::vector<std::string>& configurations,
                            Size size, int workers,
                            const std::string& on_file = "");

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_WEAK_CERTIFICATE_H_
