#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The README's server echoes, and says why it can't.
set -euo pipefail

for refused in "NETPOLL_BACKEND=nonsense 127.0.0.1:0" "NO=1 nowhere"; do
  read -r variable address <<<"$refused"
  status=0
  said=$(env "$variable" "$1" "$address" 2>&1) || status=$?
  [[ $status == 1 && $said == "INVALID_ARGUMENT: "* && $said != *$'\n'* ]]
done

# Few descriptors: it says that there are none left, and goes on with those that
# it has; others wait until there are again.
said=$TEST_TMPDIR/said
exec {out}< <(ulimit -n 24 && exec "$1" 127.0.0.1:0 2>"$said")
server=$!
trap 'kill "$server"' EXIT
read -r -t 10 line <&"$out"
port=${line##*:}
exec {first}<>"/dev/tcp/127.0.0.1/$port"
sockets=()
for ((i = 0; i < 30; ++i)); do
  exec {socket}<>"/dev/tcp/127.0.0.1/$port"
  sockets+=("$socket")
done
until grep -q "^accept: EMFILE$" "$said"; do
  kill -0 "$server"
  sleep 0.05
done
echo "still here" >&"$first"
read -r -t 10 answer <&"$first"
[[ $answer == "still here" ]]
echo "waited" >&"${sockets[29]}"
for socket in "${sockets[@]:0:29}"; do exec {socket}>&-; done
read -r -t 10 answer <&"${sockets[29]}"
[[ $answer == "waited" ]]
