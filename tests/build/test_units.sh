#!/bin/sh
# The units of systemd: as well fenced in as systemd-analyze can tell without running them.
set -eu
: "${BUILD:?is the folder of a build}"
if ! command -v systemd-analyze >/dev/null; then
  echo '1..0 # SKIP needs systemd-analyze'
  exit 0
fi
cd "$BUILD/conf/systemd"
echo "1..$(find . -name '*.service' | wc -l)"
count=0
for unit in *.service; do
  count=$((count + 1))
  # In tenths, from 0 (safe) to 100.
  if said=$(systemd-analyze security --offline=true --threshold=30 --no-pager "$PWD/$unit" 2>&1); then
    echo "ok $count - the exposure of $unit is 3 at most"
  else
    echo "not ok $count - the exposure of $unit is 3 at most"
    echo "$said" | tail -n 100 | sed 's/^/# /'
  fi
done
