# SPDX-License-Identifier: Apache-2.0
# Prints the table of sites: where the source names each access.
# A site is a string such as "commit.word"; the first place is kept.
{
  text = $0
  sub(/\/\/.*/, "", text)
  while (match(text, /"[a-z][a-z_0-9]*(\.[a-z_0-9]+)+"/)) {
    site = substr(text, RSTART, RLENGTH)
    text = substr(text, RSTART + RLENGTH)
    if (site ~ /\.(h|inc|cc)"$/ || site in known) continue
    known[site] = 1
    printf "{%s, \"%s:%d\"},\n", site, FILENAME, FNR
  }
}
