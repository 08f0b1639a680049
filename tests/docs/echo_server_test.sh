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

exec {out}< <(exec "$1" 127.0.0.1:0)
server=$!
trap 'kill "$server"' EXIT
read -r line <&"$out"
port=${line##*:}
exec {socket}<>"/dev/tcp/127.0.0.1/$port"
echo "hello" >&"$socket"
read -r -t 10 answer <&"$socket"
[[ $answer == hello ]]
