#!/bin/sh
# Runs one test program that prints TAP and reports how it ended; for scripts/test.sh.
# Usage: scripts/run-tap.sh NAME BUILD SECONDS COMMAND [ARGUMENT ...]
# The program finds BUILD and a TMPDIR of its own in its environment. It fails also by a missing or wrong plan, by its exit
# status, at its time limit, by a process that it leaves running, and by a report of the sanitizers.
# $TEST_LOGS: folder for what it prints; $TEST_RESULTS: file that gets a line "passed failed skipped".
set -u
name=$1
build=$2
limit=$3
shift 3
log=$TEST_LOGS/$(echo "$name" | tr ' /' '--').log
files=$(mktemp -d /tmp/stemedb-XXXXXX) || exit 1

# Ends the processes that have inherited the TMPDIR of the program; prints them.
end_leftovers() {
  grep -lzx "TMPDIR=$files" /proc/[0-9]*/environ 2>/dev/null | while IFS= read -r environ; do
    pid=${environ#/proc/}
    pid=${pid%/environ}
    line=$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) || continue
    kill -9 "$pid" 2>/dev/null && echo "left running: $pid $line"
  done
}

trap 'end_leftovers >/dev/null; rm -rf "$files" "$files.reports" "$files.report"' EXIT
trap 'exit 129' HUP INT TERM
mkdir "$files.reports"
# The node may run as another user.
chmod 1777 "$files" "$files.reports"

# Reads TAP; prints "passed failed skipped" and a line for each failure that is none of a case.
# shellcheck disable=SC2016 # awk's
tap_awk='
BEGIN { plan = -1 }
/^1\.\.[0-9]+/ { plan = substr($1, 4) + 0; if (plan == 0) skip++ }
/^Bail out!/ { why = why "\n" $0 }
/^(not )?ok([ \t]|$)/ {
  cases++
  if ($0 ~ /#[ \t]*[Ss][Kk][Ii][Pp]/) skip++
  else if ($1 == "ok") ok++
  else bad++
}
END {
  if (status == 124 || status == 137) why = why "\nkilled, or stopped at its time limit (exit status " status ")"
  else if (status != 0 && !bad) why = why "\nexit status " status " without a failed case"
  if (plan < 0) why = why "\nno plan (1..N)"
  else if (cases + 0 != plan) why = why "\n" cases + 0 " results where " plan " were planned"
  print ok + 0, bad + 0, skip + 0
  if (why != "") print substr(why, 2)
}'

before=$(date +%s)
env BUILD="$build" TMPDIR="$files" ASAN_OPTIONS="log_path=$files.reports/asan" \
  UBSAN_OPTIONS="print_stacktrace=1:log_path=$files.reports/ubsan" \
  timeout --foreground -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null
status=$?
seconds=$(($(date +%s) - before))
counts=$(awk -v status="$status" "$tap_awk" "$log")
why=$(echo "$counts" | sed 1d
  end_leftovers
  cat "$files.reports"/* 2>/dev/null)
read -r passed failed skipped <<END
$counts
END
# What no case has told counts as one.
if [ -n "$why" ] && [ "$failed" = 0 ]; then
  failed=1
fi
{
  if [ "$failed" = 0 ]; then
    echo "ok     $name: $passed passed$([ "$skipped" = 0 ] || echo ", $skipped skipped") (${seconds}s)"
  else
    echo "FAILED $name: $failed failed, $passed passed (${seconds}s)"
    echo "------ $log"
    cat "$log"
    [ -z "$why" ] || echo "$why"
    echo "------ end of $name"
  fi
} >"$files.report"
# Several of these scripts may run at once: the report in one piece.
flock "$TEST_RESULTS" cat "$files.report"
echo "$passed $failed $skipped" >>"$TEST_RESULTS"
[ "$failed" = 0 ]
