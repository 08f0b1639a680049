# SPDX-License-Identifier: Apache-2.0
# Prints the table of sites: where the source names each access, and the
# statement there. A site is a string such as "commit.word"; the first place is
# kept.
function quoted(text) {
  gsub(/\\/, "\\\\", text)
  gsub(/"/, "\\\"", text)
  return text
}
function flush(    i) {
  for (i = 1; i <= pending; ++i) {
    printf "{%s, \"%s\", \"%s\"},\n", site_of[i], place_of[i], quoted(statement)
  }
  pending = 0
  statement = ""
}
FNR == 1 { flush() }
{
  text = $0
  sub(/\/\/.*/, "", text)
  sub(/^[ \t]+/, "", text)
  sub(/[ \t]+$/, "", text)
  if (text == "" || text ~ /^#/) next
  if (statement != "") {
    # As one would write it on one line.
    statement = statement (statement ~ /\($/ ? "" : " ") text
  } else {
    statement = text
  }
  while (match(text, /"[a-z][a-z_0-9]*(\.[a-z_0-9]+)+"/)) {
    site = substr(text, RSTART, RLENGTH)
    rest = substr(text, RSTART + RLENGTH)
    text = rest
    if (site ~ /\.(h|inc|cc)"$/ || site in known) continue
    known[site] = 1
    ++pending
    site_of[pending] = site
    place_of[pending] = FILENAME ":" FNR
  }
  if (statement ~ /[;{}:]$/) flush()
}
END { flush() }
