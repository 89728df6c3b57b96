#!/bin/sh
# A backup of a home, beside the running node or without it.
set -eu
here=$(dirname "$0")
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

usage() {
  cat <<'END'
Usage: scripts/backup-stemedb.sh [--home DIR] [--incremental] [--no-indexes] [--verify] [--retain-days N]
Makes HOME/backups/stemedb-backup-YYYYMMDD-HHMMSS (UTC): metadata.json, MANIFEST.sha256, wal/, db/. The running node copies
(db_hotbackup), and goes on serving; a stopped one is recovered first, as a start would. Count and root are computed from the
copy itself before it gets its name.
  --home DIR       the home (else $STEMEDB_HOME, else the folder above this script's, else /var/lib/stemedb)
  --incremental    files that are the same as in the newest backup share its storage (hard links); each still stands alone
  --no-indexes     leaves the indexes out: smaller, and a restore has to rebuild them
  --verify         also starts the backup up in a scratch folder, and compares count and root
  --retain-days N  afterwards removes backups that are older than N days
As root it becomes the user stemedb, or, if that user cannot work in the home, the home's owner.
Exit status: 0 made, 1 failed, 2 usage, 3 the history is damaged or missing.
END
}

home=''
for argument; do
  shift
  case $argument in
  --help | -h)
    usage
    exit 0
    ;;
  --home=*) home=${argument#--home=} ;;
  *)
    if [ "$home" = --home ]; then
      home=$argument
    elif [ "$argument" = --home ]; then
      home=--home
    else
      set -- "$@" "$argument"
    fi
    ;;
  esac
done
if [ "$home" = --home ]; then
  usage >&2
  exit 2
fi
home=${home:-$(default_home)}
home=$(cd "$home" && pwd) || exit 1
choose_user "$home"
tool=$(program stemedb)
exec_as_user "$tool" backup --home "$home" "$@"
