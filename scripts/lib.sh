# shellcheck shell=sh
# What StemeDB's scripts share; sourced, never run. The caller has said `set -eu` and set $here, the folder of the script as
# it was invoked (links not resolved).
# shellcheck disable=SC2154 # here

say() {
  printf '%s\n' "$*" >&2
}

die() {
  say "${0##*/}: $*"
  exit 1
}

# Where the programs are: $BUILD (tests), the tree that the script belongs to, or an installation.
program() {
  for candidate in "${BUILD:-}/src/$1" "$here/../build/release/src/$1" "$here/../../sbin/$1" "$here/../../bin/$1" \
    "/usr/sbin/$1" "/usr/bin/$1" "/usr/local/sbin/$1" "/usr/local/bin/$1"; do
    if [ -f "$candidate" ] && [ -x "$candidate" ]; then
      printf '%s\n' "$(cd -P "$(dirname "$candidate")" && pwd)/$1"
      return
    fi
  done
  die "no program $1: build the tree first (./scripts/quickstart.sh --build-only)"
}

# The folder of $1 (conf, www, examples): of the tree, or installed.
shared_folder() {
  for candidate in "$here/../$1" "$here/../share/stemedb/$1" "/usr/share/stemedb/$1" "/usr/local/share/stemedb/$1"; do
    if [ -d "$candidate" ]; then
      (cd -P "$candidate" && pwd)
      return
    fi
  done
  die "no folder $1 in the tree or the installation"
}

# An option of HOME/stemedb.conf: option HOME NAME DEFAULT
option() {
  value=
  if [ -f "$1/stemedb.conf" ]; then
    value=$(sed -n "s/^[[:space:]]*$2[[:space:]]*=[[:space:]]*//p" "$1/stemedb.conf" | tail -n 1)
  fi
  printf '%s\n' "${value:-$3}"
}

# The file of tokens of home $1.
tokens_file() {
  file=$(option "$1" tokens_file tokens)
  case $file in
  /*) printf '%s\n' "$file" ;;
  *) printf '%s\n' "$1/$file" ;;
  esac
}

# Whether user $1 can work in home $2: write to its run/, or, where there is none yet, make it.
can_reach() {
  folder=$2
  [ ! -d "$2/run" ] || folder=$2/run
  setpriv --reuid="$1" --regid="$(id -g "$1")" --init-groups -- test -x "$folder" -a -w "$folder" 2>/dev/null
}

# Sets $service_user: who the processes of HOME run as. Started by root: the user stemedb, or, if that user cannot reach
# the home, the home's owner. Empty: whoever started the script.
choose_user() {
  service_user=
  [ "$(id -u)" = 0 ] || return 0
  if id stemedb >/dev/null 2>&1 && can_reach stemedb "$1"; then
    service_user=stemedb
    return 0
  fi
  service_user=$(stat -c %U "$1")
  say "the user stemedb cannot work in $1: running as its owner, $service_user"
}

# Becomes a command that runs as $service_user; for a subshell of its own.
exec_as_user() {
  if [ -z "$service_user" ] || [ "$service_user" = "$(id -un)" ]; then
    exec "$@"
  else
    exec setpriv --reuid="$service_user" --regid="$(id -g "$service_user")" --init-groups -- "$@"
  fi
}

# Runs a command as $service_user.
as_user() {
  (exec_as_user "$@")
}

# The pid in a pid file, if that process lives.
live_pid() {
  [ -s "$1" ] || return 1
  pid=$(head -n 1 "$1")
  case $pid in
  '' | *[!0-9]*) return 1 ;;
  esac
  if gone "$pid"; then
    return 1
  fi
  printf '%s\n' "$pid"
}

# Waits until the command succeeds; false after $1 tenths of a second. Looks often: what it waits for is short, mostly.
wait_until() {
  left=$(($1 * 5))
  shift
  until "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.02
  done
}

# Whether the process has ended, waited for by its parent or not.
gone() {
  case $(sed -n 's/^.*) \([A-Za-z]\).*/\1/p' "/proc/$1/stat" 2>/dev/null) in
  '' | Z | X) return 0 ;;
  esac
  return 1
}

# Whether a TCP port of this machine is listened on (any address).
port_taken() {
  hex=$(printf ':%04X' "$1")
  awk -v hex="$hex" '$2 ~ hex "$" && $4 == "0A" { found = 1 } END { exit !found }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# A free port of $STEMEDB_PORTS (FIRST-LAST, default 20000-29999): tests that run at once have ranges of their own.
free_port() {
  ports=${STEMEDB_PORTS:-20000-29999}
  while :; do
    port=$((${ports%-*} + $(od -An -N2 -tu2 /dev/urandom) % (${ports#*-} - ${ports%-*} + 1)))
    port_taken "$port" || break
  done
  printf '%s\n' "$port"
}

# The home of a script without --home: $STEMEDB_HOME, else the folder above the script's (as it was invoked) if that is
# one, else the system's.
default_home() {
  above=$(dirname "$(cd "$here" && pwd)")
  if [ -n "${STEMEDB_HOME:-}" ]; then
    printf '%s\n' "$STEMEDB_HOME"
  elif [ -f "$above/stemedb.conf" ]; then
    printf '%s\n' "$above"
  else
    printf '%s\n' /var/lib/stemedb
  fi
}

# --- the node of a home, under systemd or without it ---

# Whether systemd's stemedb-api is the node of home $1.
under_systemd() {
  [ -d /run/systemd/system ] && command -v systemctl >/dev/null || return 1
  systemctl show -p ExecStart --value stemedb-api.service 2>/dev/null | grep -qF -- "--home $1 "
}

# Whether a node of home $1 runs.
node_runs() {
  if under_systemd "$1"; then
    systemctl --quiet is-active stemedb-api.service
  else
    live_pid "$1/run/stemedb-api.pid" >/dev/null
  fi
}

# Stops the node of home $1, if it runs; also one that failed and is about to be started again.
stop_node() {
  if under_systemd "$1"; then
    systemctl stop stemedb-api.service
    systemctl reset-failed stemedb-api.service 2>/dev/null || :
  else
    "$here/instance.sh" stop "$1" >&2
  fi
}

# Starts the node of home $1 and waits until it serves.
start_node() {
  if under_systemd "$1"; then
    systemctl reset-failed stemedb-api.service 2>/dev/null || :
    systemctl start stemedb-api.service
  else
    "$here/instance.sh" start "$1" >&2
  fi
}
