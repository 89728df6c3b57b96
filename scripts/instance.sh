#!/bin/sh
# A private instance of StemeDB in a home of its own: initialised if need be, on loopback, on free ports if none are named.
set -eu
here=$(dirname "$0")
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

usage() {
  cat <<'END'
Usage: scripts/instance.sh start HOME [--api-port N] [--dashboard-port N] [--workers N] [--tokens]
       scripts/instance.sh stop|restart|reload|status HOME
  start    starts what does not run yet, waits until the node is ready, and writes HOME/instance.env (API_URL, DASHBOARD_URL,
           DATA_DIR, BACKUP_DIR); HOME/run/pids lists the processes. With --tokens every call needs a token: if there are none
           yet, one of an admin is made and written to HOME/admin.token (TOKEN_FILE in instance.env)
  reload   replaces the workers one by one and reloads nginx, without a lost request
  status   prints what runs; exit status 3 if nothing does
END
}

# Writes HOME/stemedb.conf, or changes options in it: set_option NAME VALUE
set_option() {
  if [ -f "$home/stemedb.conf" ]; then
    sed -i "/^[[:space:]]*$1[[:space:]]*=/d" "$home/stemedb.conf"
  fi
  printf '%s = %s\n' "$1" "$2" >>"$home/stemedb.conf"
}

prepare_home() {
  new=false
  if [ ! -d "$home" ]; then
    mkdir -p "$home"
    new=true
  fi
  home=$(cd "$home" && pwd)
  if $new && [ "$(id -u)" = 0 ] && id stemedb >/dev/null 2>&1; then
    chown stemedb: "$home"
    # Folders above it may be closed to that user: then the home stays root's.
    can_reach stemedb "$home" || chown root: "$home"
  fi
  choose_user "$home"
  if [ -n "$api_port" ] || [ -z "$(option "$home" api_port '')" ]; then
    set_option api_port "${api_port:-$(free_port)}"
  fi
  if [ -n "$dashboard_port" ] || [ -z "$(option "$home" dashboard_port '')" ]; then
    set_option dashboard_port "${dashboard_port:-$(free_port)}"
  fi
  [ -z "$workers" ] || set_option workers "$workers"
  for folder in run log backups; do
    [ -d "$home/$folder" ] || as_user mkdir -m 0750 "$home/$folder"
  done
}

ready() {
  # Or will never be.
  gone "$supervisor" || curl -fsS -o /dev/null "http://127.0.0.1:$(option "$home" api_port 18180)/v1/health/ready" 2>/dev/null
}

start() {
  prepare_home
  api_url=http://127.0.0.1:$(option "$home" api_port 18180)
  dashboard_url=http://127.0.0.1:$(option "$home" dashboard_port 18188)
  if [ ! -e "$home/data" ]; then
    as_user "$(program stemedb)" init --home "$home" >&2
  fi
  if $tokens && [ ! -e "$(tokens_file "$home")" ]; then
    (
      umask 077
      as_user "$(program stemedb)" token --home "$home" add admin --role admin >"$home/admin.token"
    )
  fi
  began=false
  if ! supervisor=$(live_pid "$home/run/stemedb-api.pid"); then
    began=true
    api=$(program stemedb-api)
    log=$home/log/stemedb-api.log
    # In a session of its own, so that a signal to the caller's terminal does not reach it; nothing of the caller's is kept
    # open. exec all the way: $! is the supervisor.
    # shellcheck disable=SC2016 # expanded by the inner shell
    (exec_as_user sh -c 'echo $$ >"$1/run/stemedb-api.pid"; exec setsid "$2" --home "$1" >>"$3" 2>&1' \
      sh "$home" "$api" "$log") >/dev/null 2>&1 </dev/null &
    supervisor=$!
  fi
  # While the node recovers.
  if ! live_pid "$home/run/nginx.pid" >/dev/null && ! "$here/nginx.sh" start "$home"; then
    if $began; then
      kill -TERM "$supervisor" 2>/dev/null || :
      stop
    fi
    exit 1
  fi
  wait_until 6000 ready || die "the node is not ready after 10 minutes: see $home/log/stemedb-api.log"
  if gone "$supervisor"; then
    status=0
    wait "$supervisor" || status=$?
    tail -n 12 "$home/log/stemedb-api.log" >&2
    say "${0##*/}: stemedb-api ended with status $status: see $home/log/stemedb-api.log"
    "$here/nginx.sh" stop "$home"
    exit "$status"
  fi
  cat >"$home/instance.env" <<END
API_URL=$api_url
DASHBOARD_URL=$dashboard_url
DATA_DIR=$home/data
BACKUP_DIR=$home/backups
END
  if [ -f "$home/admin.token" ]; then
    echo "TOKEN_FILE=$home/admin.token" >>"$home/instance.env"
  fi
}

stop() {
  # nginx finishes what it has, and lets go of the workers, who would else wait for it.
  if web=$(live_pid "$home/run/nginx.pid"); then
    kill -QUIT "$web"
  fi
  if supervisor=$(live_pid "$home/run/stemedb-api.pid"); then
    kill -TERM "$supervisor"
    wait_until 600 gone "$supervisor" || die "stemedb-api (pid $supervisor) does not end"
  fi
  rm -f "$home/run/stemedb-api.pid"
  "$here/nginx.sh" stop "$home"
}

reload() {
  supervisor=$(live_pid "$home/run/stemedb-api.pid") || die "stemedb-api does not run"
  kill -HUP "$supervisor"
  "$here/nginx.sh" reload "$home"
}

status() {
  running=false
  if [ -f "$home/run/pids" ]; then
    while read -r pid role; do
      if gone "$pid"; then
        echo "$pid $role gone"
      else
        echo "$pid $role running"
        running=true
      fi
    done <"$home/run/pids"
  fi
  $running || {
    echo "nothing runs in $home"
    exit 3
  }
}

action=${1:-}
case $action in
--help | -h)
  usage
  exit 0
  ;;
start | stop | restart | reload | status) ;;
*)
  usage >&2
  exit 2
  ;;
esac
[ $# -ge 2 ] || {
  usage >&2
  exit 2
}
home=$2
shift 2
api_port='' dashboard_port='' workers='' tokens=false
while [ $# -gt 0 ]; do
  case $1 in
  --tokens)
    tokens=true
    shift
    continue
    ;;
  --api-port) api_port=${2:?} ;;
  --dashboard-port) dashboard_port=${2:?} ;;
  --workers) workers=${2:?} ;;
  *)
    usage >&2
    exit 2
    ;;
  esac
  shift 2
done
if [ "$action" != start ]; then
  home=$(cd "$home" && pwd) || exit 1
fi
case $action in
restart)
  stop
  start
  ;;
*) $action ;;
esac
