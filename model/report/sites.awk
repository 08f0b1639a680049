# SPDX-License-Identifier: Apache-2.0
# Prints the table of sites: where the source names each access, and the
# statement there. A site is a string such as "commit.word". One that is written
# twice in a file has both lines, "core/poll_desc.h:118 or 131", and the first
# statement. Of several files the first counts, but for worlds of the model,
# which use each other's names: those have no place.
# A function in the statement that does nothing but return is part of it.
# With -v lines=1 it prints a table of the lines in which an access is, also one
# to a plain field, or a pure function begins: where, the statement, the line.
function quoted(text) {
  gsub(/\\/, "\\\\", text)
  gsub(/"/, "\\\"", text)
  return text
}
function flush(    i) {
  for (i = 1; i <= pending; ++i) statement_of[site_of[i]] = quoted(statement)
  for (i = 1; i <= here; ++i) {
    printf "{\"%s\", \"%s\", \"%s\"},\n", place_of[i], quoted(statement), \
      quoted(line_of[i])
  }
  pending = here = 0
  statement = ""
}
# Whether the statement has broken off within its parentheses.
function open_inside(    text) {
  text = statement
  return gsub(/\(/, "", text) > gsub(/\)/, "", text)
}
FNR == 1 { flush() }
{
  text = $0
  sub(/\/\/.*/, "", text)
  sub(/^[ \t]+/, "", text)
  sub(/[ \t]+$/, "", text)
  if (text == "" || text ~ /^#/) next
  if (statement ~ /\{$/ && text !~ /^return /) flush()
  if (statement != "") {
    # As one would write it on one line.
    statement = statement (statement ~ /\($/ ? "" : " ") text
  } else {
    statement = text
  }
  if (lines) {
    if (text ~ /"[a-z][a-z_0-9]*(\.[a-z_0-9]+)+"|(\.|->)(Get|Set|Change)\(/ ||
        text ~ /^(static )?constexpr [A-Za-z_:0-9]+ [A-Z][A-Za-z]*\(/) {
      place_of[++here] = FILENAME ":" FNR
      line_of[here] = text
    }
    text = ""
  }
  while (match(text, /"[a-z][a-z_0-9]*(\.[a-z_0-9]+)+"/)) {
    site = substr(text, RSTART, RLENGTH)
    text = substr(text, RSTART + RLENGTH)
    if (site ~ /\.(h|inc|cc)"$/) continue
    if (!(site in file)) {
      file[site] = FILENAME
      numbers[site] = last[site] = FNR
      sites[++count] = site
      site_of[++pending] = site
    } else if (file[site] != FILENAME) {
      elsewhere[site] = 1
    } else if (last[site] != FNR) {
      numbers[site] = numbers[site] " or " FNR
      last[site] = FNR
    }
  }
  if (statement ~ /[;{}:]$/ && !(open_inside() &&
      (statement ~ /\{$/ || statement ~ /\{ return [^{}]*(\{[^{}]*\})?[^{}]*;$/))) {
    flush()
  }
}
END {
  flush()
  for (i = 1; i <= count; ++i) {
    site = sites[i]
    if (file[site] ~ /model\// && site in elsewhere) continue
    printf "{%s, \"%s:%s\", \"%s\"},\n", site, file[site], numbers[site], \
      statement_of[site]
  }
}
