// SPDX-License-Identifier: Apache-2.0
//
// What a build in an older language is told, before anything that the older
// language cannot read: headers that include no other of netpoll include this.

#ifndef NETPOLL_CORE_CPP20_H_
#define NETPOLL_CORE_CPP20_H_

#if defined(_MSVC_LANG) ? _MSVC_LANG < 202002L : __cplusplus < 202002L
#error "netpoll needs C++20: build with -std=c++20 or later"
#endif

#endif  // NETPOLL_CORE_CPP20_H_
