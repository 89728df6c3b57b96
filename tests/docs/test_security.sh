#!/bin/sh
# docs/security.md: every threat has what shows it, and all of that exists.
# shellcheck disable=SC2016 # back quotes are meant
set -u
cd "$(dirname "$0")/../.." || exit 1
echo 1..3
count=0

# report NAME: right when there is no output in $out.
report() {
  count=$((count + 1))
  if [ -z "$out" ]; then
    echo "ok $count - $1"
  else
    echo "not ok $count - $1"
    echo "$out" | sed 's/^/# /'
  fi
}

out=$(grep '^|' docs/security.md | grep -vE '^\| threat \||^\|[-|]+$' | grep -vE '\| `(tests|scripts)/[^`]+`: "[^|]*" \|$')
report 'every threat has a test'

# FILE<tab>CASE a line.
shown=$(awk '{
  line = $0
  while (match(line, /`(tests|scripts)\/[A-Za-z0-9_\/.]+`: "[^"]+"(, "[^"]+")*/)) {
    part = substr(line, RSTART, RLENGTH)
    line = substr(line, RSTART + RLENGTH)
    split(part, quoted, "`")
    cases = substr(part, index(part, ": ") + 2)
    while (match(cases, /"[^"]+"/)) {
      print quoted[2] "\t" substr(cases, RSTART + 1, RLENGTH - 2)
      cases = substr(cases, RSTART + RLENGTH)
    }
  }
}' docs/security.md)
out=$(echo "$shown" | while IFS="$(printf '\t')" read -r file case; do
  grep -qF -- "$case" "$file" || echo "$file has no case \"$case\""
done)
report 'every test that is named exists'

out=
[ "$(echo "$shown" | wc -l)" -gt 40 ] || out="only $(echo "$shown" | wc -l) are found"
report 'the page is read'
