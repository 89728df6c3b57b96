#!/bin/sh
# From a fresh Debian 12 to a running StemeDB with real example data, with one command; again: brings it up to date.
set -eu
here=$(dirname "$0")
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"
top=$(cd "$here/.." && pwd)

usage() {
  cat <<'END'
Usage: scripts/quickstart.sh [--build-only]
Installs the packages that StemeDB needs, makes the user stemedb, builds (in build/release), makes the source tree a home
(data/, run/, log/, backups/, stemedb.conf), starts the node and nginx, loads examples/ and prints the addresses.
As root, or as a user with sudo. What is there already is left alone, so it can be run again at any time.
  --build-only  stops after the build
Afterwards: scripts/instance.sh status|stop|start|reload DIR, DIR being the source tree.
END
}

make_user() {
  if [ "$(id -u)" = 0 ] && ! id stemedb >/dev/null 2>&1; then
    useradd --system --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin stemedb
  fi
}

make_folder() {
  if [ "$(id -u)" = 0 ]; then
    install -d -m 0750 -o stemedb -g stemedb "$top/$1"
    # Folders above may be closed to that user: then all of it stays root's.
    can_reach stemedb "$top" || chown root: "$top/$1"
  else
    install -d -m 0750 "$top/$1"
  fi
}

# In the source tree only what a home needs belongs to the user stemedb.
make_home() {
  if [ ! -f "$top/stemedb.conf" ]; then
    printf '%s\n' '# Options of this home; build/release/src/stemedb config prints them all.' 'api_port = 18180' \
      'dashboard_port = 18188' >"$top/stemedb.conf"
  fi
  for folder in run log backups; do
    [ -d "$top/$folder" ] || make_folder "$folder"
  done
  # Only where there is no such folder: an empty one may be a disk that is not mounted.
  if [ ! -e "$top/data" ]; then
    make_folder data
    choose_user "$top"
    as_user "$(program stemedb)" init --home "$top"
  fi
}

load_examples() {
  answer=$(gunzip -c "$top/examples/browser-support.ndjson.gz" | curl -fsS -X POST --data-binary @- \
    -H 'Content-Type: application/x-ndjson' -H 'Idempotency-Key: examples/browser-support' "$API_URL/v1/import") ||
    die "the example data was not taken"
  printf 'Example data: %s\n' "$(printf '%s' "$answer" | jq -r '"\(.accepted) loaded, \(.duplicates) there already"')"
}

case ${1:-} in
'' | --build-only) ;;
--help | -h)
  usage
  exit 0
  ;;
*)
  usage >&2
  exit 2
  ;;
esac
"$here/packages.sh" build
"$here/build.sh" "$top/build/release"
"$here/charts.sh" --if-possible
if [ "${1:-}" = --build-only ]; then
  echo "Built: $top/build/release/src/stemedb and its fellows."
  exit 0
fi
make_user
make_home
"$here/instance.sh" start "$top"
# shellcheck source=/dev/null
. "$top/instance.env"
if [ -e "$top/tokens" ]; then
  echo "Every call needs a token here (docs/access.md), so the example data is not looked at."
else
  load_examples
fi
cat <<END

StemeDB runs.
  API        $API_URL/v1/health
  dashboard  $DASHBOARD_URL/
  logs       $top/log/
A first question:
  curl -s $API_URL/v1/query -H 'Content-Type: application/json' \\
    -d '{"concept_path": "web/audio/chrome", "lens": "skeptic"}' | jq .
END
