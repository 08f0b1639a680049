// SPDX-License-Identifier: Apache-2.0
//
// What the runtime does with exceptions, so that it compiles without them
// (-fno-exceptions, for the whole program): nothing is caught then, as nothing
// is thrown, and where something would be the process stops with a sentence.

#ifndef NETPOLL_RUNTIME_EXCEPTIONS_H_
#define NETPOLL_RUNTIME_EXCEPTIONS_H_

#include "netpoll/core/concurrency.h"

#ifdef __cpp_exceptions
#define NETPOLL_TRY try
#define NETPOLL_CATCH(what) catch (what)
#define NETPOLL_RETHROW throw
#define NETPOLL_THROW(sentence, ...) throw __VA_ARGS__
#else
#define NETPOLL_TRY if (true)
#define NETPOLL_CATCH(what) if (false)
#define NETPOLL_RETHROW static_cast<void>(0)
#define NETPOLL_THROW(sentence, ...) ::netpoll::StdEnv::Misuse(sentence)
#endif

#endif  // NETPOLL_RUNTIME_EXCEPTIONS_H_
