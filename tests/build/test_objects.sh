#!/bin/sh
# The object files of a build: what a source may have, but its object shows.
set -eu
: "${BUILD:?is the folder of a build}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0

# Prints a result: NAME, which is right when $work/out is empty.
report() {
  count=$((count + 1))
  if [ -s "$work/out" ]; then
    echo "not ok $count - $1"
    sed 's/^/# /' "$work/out"
  else
    echo "ok $count - $1"
  fi
}

echo 1..3
find "$BUILD/src" -name '*.o' >"$work/objects"
: >"$work/out"
[ "$(wc -l <"$work/objects")" -gt 20 ] || echo "only $(wc -l <"$work/objects") in $BUILD/src" >"$work/out"
report 'the build has its objects'

# Berkeley DB takes hooks for a process, not for an environment; a fault counts its passages.
xargs nm -A --defined-only --format=posix <"$work/objects" | awk '$3 ~ /^[bBC]$/' |
  grep -vE '/(store/dbhooks|base/fault)\.o:' >"$work/out" || true
report 'no object keeps state in zeroed variables of its own'

# Tables of pointers are in .data.rel.ro, which is read-only once the program runs.
xargs objdump -t <"$work/objects" |
  awk '/file format/ { file = $1 } / O \.data\t/ { print file, $NF }' >"$work/out"
report 'no object keeps state in initialised variables'
