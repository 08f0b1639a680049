#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compiles the public headers of the core and of the backends of POSIX systems
# with the warnings that embedders ask for made errors: each by itself, and their
# templates whole, these in the languages to come too.
#   gcc, clang   the host's C++ library
#   runtime_gcc, runtime_clang   the same; all headers at once, before each source
#   libcxx       clang's: an older one, without std::atomic_ref
#   musl         that, over another C library
# usage: warnings_test.sh KIND SOURCE... -- HEADER...
set -euo pipefail

kind=$1
shift
sources=()
while [[ $1 != -- ]]; do
  sources+=("$1")
  shift
done
shift

flags=(-std=c++20 -fsyntax-only -Werror -Wall -Wextra -Wpedantic -Wshadow
  -Wconversion -Wsign-conversion -Wswitch-enum -fno-exceptions -fno-rtti)
compiler=g++
later=(c++23)
libcxx=/usr/lib/llvm-14/include/c++/v1
musl=/usr/include/x86_64-linux-musl
need() {
  if [[ ! -e $1 ]] && ! command -v "$1" >/dev/null; then
    echo "SKIPPED: there is no $1 (tools/setup --deep)"
    exit 0
  fi
}
case $kind in
  *clang)
    # The newer one warns of more.
    compiler=clang++-19
    later=(c++23 c++26)
    if ! command -v "$compiler" >/dev/null; then
      compiler=clang++-14
      later=(c++2b)
    fi
    ;;
  libcxx)
    compiler=clang++-14
    need "$libcxx"
    flags+=(-stdlib=libc++)
    ;;
  musl)
    compiler=clang++-14
    need "$libcxx"
    need "$musl"
    kernel=$TEST_TMPDIR/kernel
    mkdir -p "$kernel"
    ln -s /usr/include/linux /usr/include/asm-generic \
      /usr/include/x86_64-linux-gnu/asm "$kernel"
    flags+=(--target=x86_64-linux-musl -nostdinc -nostdinc++
      -D_LIBCPP_HAS_MUSL_LIBC -isystem "$libcxx" -isystem "$musl"
      -isystem "$(clang++-14 -print-resource-dir)/include"
      -isystem "$kernel")
    ;;
esac
need "$compiler"

include=$TEST_TMPDIR/include
mkdir -p "$include"
ln -s "$PWD" "$include/netpoll"
flags+=("-I$include" -isystem tests/shims/kqueue/include
  -isystem tests/shims/event_ports)

failed=0
compile() {
  if ! "$compiler" "${flags[@]}" "${@:3}" "$1" >"$TEST_TMPDIR/said" 2>&1; then
    echo "$compiler, $kind: $2"
    cat "$TEST_TMPDIR/said"
    failed=1
  fi
}
echo "$("$compiler" --version | head -1), $kind: $# headers"
if [[ $kind == runtime_* ]]; then
  for header in "$@"; do flags+=(-include "netpoll/$header"); done
fi
for source in "${sources[@]}"; do compile "$source" "$source"; done
# With another library the sources include them all.
if [[ $kind == *gcc || $kind == *clang ]]; then
  for header in "$@"; do
    [[ $kind != runtime_* ]] || break
    echo "#include \"netpoll/$header\"" >"$TEST_TMPDIR/alone.cc"
    compile "$TEST_TMPDIR/alone.cc" "$header"
  done
  for language in "${later[@]}"; do
    for source in "${sources[@]}"; do
      compile "$source" "$source in $language" "-std=$language"
    done
  done
fi
exit "$failed"
