#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The README's server echoes.
set -euo pipefail

exec {out}< <(exec "$1" 127.0.0.1:0)
server=$!
trap 'kill "$server"' EXIT
read -r line <&"$out"
port=${line##*:}
exec {socket}<>"/dev/tcp/127.0.0.1/$port"
echo "hello" >&"$socket"
read -r -t 10 answer <&"$socket"
[[ $answer == hello ]]
