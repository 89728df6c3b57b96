#!/bin/sh
# Puts the chart library of the dashboard to where nginx serves it.
set -eu

usage() {
  cat <<'END'
Usage: scripts/charts.sh [--if-possible]
Fetches uPlot by npm, in the version and with the digest of www/vendor/package-lock.json, into www/vendor. Does nothing if
it is there. The dashboard works without it: charts are then given as numbers.
  --if-possible   without npm, or without a network, says so and ends well
END
}

optional=false
case ${1-} in
'') ;;
--if-possible) optional=true ;;
--help | -h)
  usage
  exit 0
  ;;
*)
  usage >&2
  exit 2
  ;;
esac

vendor=$(cd "$(dirname "$0")/../www/vendor" && pwd)
files='uPlot.esm.js uPlot.min.css'

up_to_date() {
  for file in $files; do
    [ -f "$vendor/$file" ] && [ -z "$(find "$vendor/package-lock.json" -newer "$vendor/$file")" ] || return 1
  done
}

fetch() {
  command -v npm >/dev/null || {
    echo "charts: npm is not there" >&2
    return 1
  }
  work=$(mktemp -d) || return 1
  trap 'rm -rf "$work"' EXIT
  cp "$vendor/package.json" "$vendor/package-lock.json" "$work" || return 1
  npm ci --prefix "$work" --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1 --fetch-timeout=20000 >&2 || return 1
  for file in $files; do
    install -m 0644 "$work/node_modules/uplot/dist/$file" "$vendor/$file" || return 1
  done
}

up_to_date && exit 0
fetch && exit 0
$optional || exit 1
echo "charts: the dashboard does without charts; later: ./scripts/charts.sh" >&2
