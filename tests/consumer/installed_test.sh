#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds without Bazel: netpoll installed by tools/install and then moved, as
# CMake's package, as pkg-config's, and by the compiler alone; as a folder of
# another project, and as CMake fetches it. What can't be had is refused in one
# sentence.
# usage: installed_test.sh core|runtime
set -euo pipefail

part=$1
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
root=$(cd "$here/../.." && pwd -P)
sources=$here/workspace
work=$TEST_TMPDIR/work
mkdir -p "$work"
cd "$work"

# quietly WHAT COMMAND...: shows what the command said only if it failed.
quietly() {
  local what=$1
  shift
  "$@" >log 2>&1 || {
    cat log
    echo "FAILED: $what"
    exit 1
  }
  echo "$what"
}

# refuses SENTENCE COMMAND...: the command fails, with the sentence. CMake breaks
# lines where it likes.
refuses() {
  local sentence=$1 said
  shift
  if said=$("$@" 2>&1); then
    echo "FAILED: $* does not fail"
    exit 1
  fi
  if [[ $(tr -s ' \n' ' ' <<<"$said") != *"$sentence"* ]]; then
    echo "$said"
    echo "FAILED: $* does not say '$sentence'"
    exit 1
  fi
  echo "refused: $sentence"
}

# builds NAME FOLDER OPTION...: configures, builds and tests a CMake project.
builds() {
  local name=$1 folder=$2
  shift 2
  quietly "$name: configured" cmake -S "$here/cmake/$folder" -B "build-$name" \
    "-DCONSUMER_SOURCES=$sources" "$@"
  quietly "$name: built" cmake --build "build-$name"
  quietly "$name: run" env -C "build-$name" ctest --output-on-failure
}

# runs PROGRAM FLAGS...: by the compiler alone.
runs() {
  local program=$1
  shift
  quietly "$program $*: compiled" "${CXX:-g++}" -std=c++20 -Wall -Wextra \
    -Werror "$sources/$program.cc" "$@" -o "$program"
  quietly "$program: run" env LD_LIBRARY_PATH="${libraries-}" "./$program"
}

export PKG_CONFIG_PATH=$work/moved/lib/pkgconfig
if [[ $part == core ]]; then
  quietly "installed" "$root/tools/install" --prefix "$work/first" --core
  mv first moved
  [[ -f moved/share/doc/netpoll/LICENSE ]]
  [[ -z $(find moved -name '*test*') ]]
  builds package package "-DCMAKE_PREFIX_PATH=$work/moved"
  runs poller_test $(pkg-config --cflags --libs netpoll) -fno-exceptions -fno-rtti
  runs fake_test "-I$work/moved/include"

  # By the compiler alone, from a checkout in a folder of netpoll's name.
  ln -s "$root" netpoll
  runs poller_test -I.
  runs backends_test -I. -std=c++23 -fno-exceptions -fno-rtti
  rm netpoll

  builds subdirectory subdirectory "-DCONSUMER_NETPOLL=$root" \
    -DNETPOLL_RUNTIME=OFF
  # An archive, as a release is; with a name of its own in it.
  tar -C "$root" -czf fetched.tar.gz --transform 's,^,poller-1.2/,' \
    core backends cmake CMakeLists.txt LICENSE
  builds fetch fetch "-DCONSUMER_NETPOLL=$work/fetched.tar.gz" \
    -DNETPOLL_RUNTIME=OFF

  # The C interface, for a program in C that knows pkg-config alone.
  quietly "installed for C" "$root/tools/install" --prefix "$work/first" \
    --core --c
  mv first for-c
  flags=$(PKG_CONFIG_PATH=$work/for-c/lib/pkgconfig \
    pkg-config --cflags --libs netpoll_c)
  quietly "a program in C: compiled" gcc -std=c17 -D_GNU_SOURCE -Wall -Wextra \
    -Werror "$root/tests/capi/netpoll_test.c" $flags -pthread -o in-c
  quietly "a program in C: run" env "LD_LIBRARY_PATH=$work/for-c/lib" ./in-c
  [[ -L for-c/lib/libnetpoll.so.0.1 ]]
  # Which is in no folder of the system's: a program is told where.
  refuses "error while loading shared libraries: libnetpoll.so.0.1" ./in-c
  quietly "a program in C that knows where: linked" gcc -std=c17 \
    -D_GNU_SOURCE "$root/tests/capi/netpoll_test.c" $flags -pthread \
    "-Wl,-rpath,$work/for-c/lib" -o in-c-told
  quietly "a program in C that knows where: run" ./in-c-told

  # Folders that are given as absolute ones stay so.
  quietly "absolute: configured" cmake -S "$root" -B build-nix \
    -DNETPOLL_RUNTIME=OFF -DCMAKE_INSTALL_LIBDIR="$work/nix/lib" \
    -DCMAKE_INSTALL_INCLUDEDIR="$work/nix/headers"
  grep -qx "includedir=$work/nix/headers" build-nix/netpoll.pc

  refuses "netpoll: it was installed without the runtime" \
    cmake -S "$here/cmake/package" -B build-none -DCONSUMER_PART=runtime \
    "-DCONSUMER_SOURCES=$sources" "-DCMAKE_PREFIX_PATH=$work/moved"
  refuses "netpoll: the runtime needs Abseil: install it (Debian: libabsl-dev)" \
    cmake -S "$root" -B build-bare -DNETPOLL_RUNTIME=ON \
    -DCMAKE_DISABLE_FIND_PACKAGE_absl=ON
  quietly "AUTO without Abseil: configured" \
    cmake -S "$root" -B build-auto -DCMAKE_DISABLE_FIND_PACKAGE_absl=ON
  grep -q "no Abseil here, so no netpoll::runtime" log
  refuses "tools/install: --prefix DIR says where to" "$root/tools/install"
  refuses "tools/install: cannot write to /proc/here" \
    "$root/tools/install" --prefix /proc/here
  refuses "unknown argument '--shared'" "$root/tools/install" --shared
else
  quietly "installed" "$root/tools/install" --prefix "$work/first"
  mv first moved
  builds package package "-DCMAKE_PREFIX_PATH=$work/moved" \
    -DCONSUMER_PART=runtime
  flags=$(pkg-config --cflags --libs netpoll_runtime)
  libraries=$work/moved/lib runs runtime_test $flags
  refuses "error while loading shared libraries: libnetpoll_runtime.so.0.1" \
    ./runtime_test
  runs runtime_test $flags "-Wl,-rpath,$work/moved/lib"
  runs runtime_test ${flags/-lnetpoll_runtime/-l:libnetpoll_runtime.a}
  # Without exceptions: all of the program.
  none=(-fno-exceptions -fno-rtti)
  quietly "without exceptions: configured" cmake -S "$root" -B build-none \
    -DNETPOLL_RUNTIME=ON "-DCMAKE_CXX_FLAGS=${none[*]}"
  quietly "without exceptions: built" cmake --build build-none \
    --target netpoll_runtime
  runs runtime_test "${none[@]}" \
    ${flags/-lnetpoll_runtime/build-none/libnetpoll_runtime.a}
  # The language to come, by the compiler that has the most of it.
  if command -v clang++-19 >/dev/null; then
    for program in backends_test fake_test runtime_test; do
      quietly "$program by clang in c++26: compiled" clang++-19 -std=c++26 \
        -Wall -Wextra -Werror -fsyntax-only -Imoved/include \
        "$sources/$program.cc"
    done
  fi
  # The shared one has its version in its name, and nothing of Abseil in it.
  [[ -L moved/lib/libnetpoll_runtime.so.0.1 ]]
  if nm -D --defined-only moved/lib/libnetpoll_runtime.so | c++filt |
    grep -E ' [TDB] absl::'; then
    echo "FAILED: the shared library defines what is Abseil's"
    exit 1
  fi
  refuses "netpoll: its runtime needs Abseil, which is not found" \
    cmake -S "$here/cmake/package" -B build-bare -DCONSUMER_PART=runtime \
    "-DCONSUMER_SOURCES=$sources" "-DCMAKE_PREFIX_PATH=$work/moved" \
    -DCMAKE_DISABLE_FIND_PACKAGE_absl=ON
fi
