#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two clients are echoed while commands are answered, and it ends when told to,
# with status 0. usage: runtime_in_poll_test.sh PROGRAM
set -euo pipefail

coproc SERVER { exec timeout 50 "$1" 127.0.0.1:0; }
server=$SERVER_PID
say() { echo "$1" >&"${SERVER[1]}"; }
# answers WANTED: the next line that the server prints.
answers() {
  local line
  IFS= read -r -t 20 -u "${SERVER[0]}" line
  if [[ $line != $1 ]]; then
    echo "it says '$line', not '$1'"
    exit 1
  fi
}
IFS= read -r -t 20 -u "${SERVER[0]}" line
port=${line##*:}
for client in 3 4; do
  eval "exec $client<>/dev/tcp/127.0.0.1/$port"
  echo "hello $client" >&$client
  read -r -t 20 -u $client line
  [[ $line == "hello $client" ]]
done
say tasks
answers "2 clients"
say who
answers "tasks or quit"
say quit
wait "$server"
# What was connected is told so.
if read -r -t 20 -u 3 line; then exit 1; fi
