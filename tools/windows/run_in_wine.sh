#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs a program of Windows under Wine, from the root of the repository.
# usage: run_in_wine.sh PREFIX PROGRAM.exe [ARGUMENT...]
#        run_in_wine.sh PREFIX --stop     ends what still runs in the prefix
set -euo pipefail

source tools/windows/wine.sh

wine_start "$1" || exit 1
if [[ $2 == --stop ]]; then
  wine_stop
  exit
fi
program=$(windows_path "$2")
shift 2
exec "$WINE_LOADER" "$program" "$@"
