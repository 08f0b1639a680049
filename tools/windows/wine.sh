# SPDX-License-Identifier: Apache-2.0
# Sourced: a Wine of one's own for the programs of one test.
#
#   wine_start FOLDER   uses the prefix in FOLDER; makes one if it is missing
#   wine_run PROGRAM... runs a program in it
#   wine_stop           ends everything that runs in it
#
# The prefix is made by hand: links to Wine's own DLLs, and nothing of what an
# installation adds (a registry with defaults, fonts, a desktop), which takes
# seconds and hundreds of megabytes. It does for programs of the console.

WINE_LOADER=/usr/lib/wine/wine64
WINE_SERVER=/usr/lib/wine/wineserver64
WINE_DLLS=/usr/lib/x86_64-linux-gnu/wine/x86_64-windows

wine_start() {
  if [[ ! -x $WINE_LOADER || ! -d $WINE_DLLS ]]; then
    echo "there is no $WINE_LOADER (package wine64): run tools/setup" >&2
    return 1
  fi
  export WINEPREFIX=$1
  export WINEDEBUG=-all WINEDLLOVERRIDES="mscoree=;mshtml="
  unset DISPLAY
  # No fonts: otherwise the first program looks at all of the system's, and
  # where it can't write down what it found, says so on its error output.
  export FONTCONFIG_FILE=$WINEPREFIX/fonts.conf
  [[ ! -e $WINEPREFIX/.update-timestamp ]] || return 0
  mkdir -p "$WINEPREFIX/drive_c/windows/system32" \
    "$WINEPREFIX/drive_c/windows/temp" "$WINEPREFIX/dosdevices"
  echo '<fontconfig/>' >"$FONTCONFIG_FILE"
  ln -s ../drive_c "$WINEPREFIX/dosdevices/c:"
  ln -s / "$WINEPREFIX/dosdevices/z:"
  ln -s "$WINE_DLLS"/* "$WINEPREFIX/drive_c/windows/system32/"
  # So that Wine does not complete it.
  printf disable >"$WINEPREFIX/.update-timestamp"
}

wine_run() { "$WINE_LOADER" "$@"; }

# A server that is asked to end while it ends already is no failure. It is waited
# for: the next prefix may get the same inode, by which servers are told apart.
wine_stop() {
  "$WINE_SERVER" -k || true
  "$WINE_SERVER" -w || true
}

# The path of a file as a program under Wine says it.
windows_path() {
  local full
  full=$(realpath -m -- "$1")
  printf 'Z:%s' "${full//\//\\}"
}
