#!/bin/sh
# Restores a backup into a home: stops the node, puts the backup in the place of what is there, starts the node.
set -eu
here=$(dirname "$0")
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

usage() {
  cat <<'END'
Usage: scripts/restore-stemedb.sh [--home DIR] [--dry-run] [MOMENT] BACKUP_DIR
       scripts/restore-stemedb.sh [--home DIR] --undo
Checks the backup (metadata, manifest, every file) and the disk space before anything is touched. What is there is renamed to
NAME.backup.STAMP, never deleted. The copy is recovered and proven, count and root equal to the metadata, before the node is
started with it; if anything goes wrong, all is renamed back.
  --home DIR  the home (else $STEMEDB_HOME, else the folder above this script's, else /var/lib/stemedb)
  --dry-run   only checks, and says what would be done
  --undo      goes back to what was there before a restore that was interrupted
MOMENT, to restore to: exactly the entries up to it, before the backup's end or, with an archive, after it
  --to-seq N             entries 1 to N
  --to-time T            the entries up to a time (RFC 3339, e.g. 2026-11-24T21:43:15Z); says which is the last one
  --from-archive TARGET  what follows the backup is taken from this archive, or folder of log files; without a bound, all
  --timeline N           of the archive's timelines, this one and not the newest
The entries are read, and proven, before anything is touched; `stemedb restorable` tells what there is.
Standard output carries the steps, standard error all else; both go to HOME/log/restore.log too.
As root, or, where systemd does not run the node, as the home's owner.
Exit status: 0 restored, 1 failed, 2 usage, 3 the backup cannot be restored, or there is no such moment.
END
}

bad_usage() {
  usage >&2
  exit 2
}

# What goes to the log file, which is the service user's.
log() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  as_user sh -c 'cat >>"$1"' sh "$home/log/restore.log" || :
}

# A line of the runbook.
step() {
  printf '%s\n' "$*"
  printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" | log
}

complain() {
  say "$*"
  printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" | log
}

# Runs `stemedb restore ARGUMENTS` as the service user; what it says goes to standard error and the log.
stemedb_restore() {
  result=0
  as_user "$tool" restore --home "$home" "$@" 2>"$errors" || result=$?
  cat "$errors" >&2
  log <"$errors"
  return "$result"
}

# A backup that the service user cannot read is copied for that user first.
make_readable() {
  [ "$(id -u)" = 0 ] || return 0
  # shellcheck disable=SC2016 # expanded by the inner shell
  if as_user sh -c 'cd "$1" && ! find . ! -readable | grep -q .' sh "$backup" 2>/dev/null; then
    return 0
  fi
  [ -f "$backup/metadata.json" ] || return 0
  say "$service_user cannot read $backup: it is copied first"
  incoming=$(as_user mktemp -d "$home/run/restore.XXXXXX")
  cp -rL "$backup/." "$incoming/"
  chown -R "$service_user" "$incoming"
  backup=$incoming
}

clean_up() {
  rm -f "$errors"
  [ -z "$incoming" ] || rm -rf "$incoming"
}

# The member $1 of the JSON on standard input.
member() {
  tr ',{}' '[\n*]' | sed -n "s/^[[:space:]]*\"$1\"[[:space:]]*:[[:space:]]*\"\{0,1\}\([^\",}]*\).*/\1/p" | head -n 1
}

# A member of the metadata of what was restored.
restored() {
  data=$(option "$home" data_dir data)
  case $data in
  /*) ;;
  *) data=$home/$data ;;
  esac
  as_user cat "$data/metadata.json" | member "$1"
}

# What the node serves is what was restored: writers may have added to it already.
served_as_restored() {
  health=$(curl -fsS "http://127.0.0.1:$(option "$home" api_port 18180)/v1/health") || return 1
  served=$(printf '%s' "$health" | member last_seq)
  wanted=$(restored last_seq)
  [ "$served" -ge "$wanted" ] || return 1
  [ "$served" -gt "$wanted" ] || [ "$(printf '%s' "$health" | member history_root)" = "$(restored history_root)" ]
}

start_again() {
  if $was_running; then
    complain "Starting what was there before"
    start_node "$home" 9>&- || complain "it does not start"
  fi
}

undo() {
  stop_node "$home"
  if stemedb_restore undo; then
    complain "All is as it was before"
  else
    complain "It could not all be renamed back: see $home/data/RESTORE"
    exit 1
  fi
}

restore() {
  make_readable
  stemedb_restore check "$@" "$backup" || {
    [ "$result" -ne 2 ] || exit 2
    complain "Nothing was changed: $backup cannot be restored"
    exit 3
  }
  if $dry_run; then
    say "$backup is sound: $(member assertion_count <"$backup/metadata.json") assertions, of $(member timestamp <"$backup/metadata.json")"
    say "It would be restored to $home; what is there would be renamed. Nothing was changed."
    exit 0
  fi
  step "Stopping StemeDB API service..."
  stop_node "$home" || {
    start_again
    exit 1
  }
  stemedb_restore files "$@" "$backup" || {
    complain "The restore failed: what was there before is there again"
    start_again
    exit 1
  }
  step "Restore complete. Starting StemeDB API service..."
  if ! start_node "$home" 9>&- || ! served_as_restored; then
    complain "The node does not serve what was restored"
    undo
    start_again
    exit 1
  fi
  stemedb_restore "done"
  step "StemeDB API service started successfully."
}

home='' backup='' dry_run=false action=restore to_seq='' to_time='' archive='' timeline='' bounds=0
while [ $# -gt 0 ]; do
  case $1 in
  --to-seq=* | --to-time=* | --from-archive=* | --timeline=*)
    name=${1%%=*}
    value=${1#*=}
    shift
    set -- "$name" "$value" "$@"
    continue
    ;;
  --to-seq | --to-time | --from-archive | --timeline)
    if [ $# -lt 2 ] || [ -z "$2" ]; then
      bad_usage
    fi
    case $1 in
    --to-seq) to_seq=$2 bounds=$((bounds + 1)) ;;
    --to-time) to_time=$2 bounds=$((bounds + 1)) ;;
    --from-archive) archive=$2 ;;
    --timeline) timeline=$2 ;;
    esac
    shift
    ;;
  --help | -h)
    usage
    exit 0
    ;;
  --home)
    [ $# -ge 2 ] || bad_usage
    home=$2
    shift
    ;;
  --home=*) home=${1#--home=} ;;
  --dry-run) dry_run=true ;;
  --undo) action=undo ;;
  -*) bad_usage ;;
  *)
    [ -z "$backup" ] || bad_usage
    backup=$1
    ;;
  esac
  shift
done
[ "$bounds" -le 1 ] || bad_usage
if [ "$action" = restore ]; then
  [ -n "$backup" ] || bad_usage
  backup=$(cd -P "$backup" && pwd) || exit 3
elif [ -n "$backup$to_seq$to_time$archive$timeline" ] || $dry_run; then
  bad_usage
fi
# A folder is the caller's; anything else (s3:…) stays as it is.
if [ -n "$archive" ] && [ -d "$archive" ]; then
  archive=$(cd -P "$archive" && pwd) || exit 3
fi
home=${home:-$(default_home)}
home=$(cd "$home" && pwd) || exit 1
if under_systemd "$home" && [ "$(id -u)" != 0 ]; then
  die "the node of $home is systemd's: run this as root (sudo)"
fi
choose_user "$home"
tool=$(program stemedb)
exec 9<"$home"
flock -n 9 || die "another restore of $home is under way"
incoming=''
errors=$(mktemp)
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
[ -d "$home/log" ] || as_user mkdir -m 0750 "$home/log"
was_running=false
if node_runs "$home"; then
  was_running=true
fi
if [ "$action" = undo ]; then
  undo
  start_again
else
  set --
  [ -z "$to_seq" ] || set -- "$@" --to-seq "$to_seq"
  [ -z "$to_time" ] || set -- "$@" --to-time "$to_time"
  [ -z "$archive" ] || set -- "$@" --from-archive "$archive"
  [ -z "$timeline" ] || set -- "$@" --timeline "$timeline"
  restore "$@"
fi
