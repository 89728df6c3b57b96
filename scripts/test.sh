#!/bin/sh
# Runs every test of StemeDB. The last line of the output counts them.
set -u

usage() {
  cat <<'END'
Usage: scripts/test.sh [--fast] [SUITE ...]
Installs the packages that tests need, builds build/test and build/asan (the same with AddressSanitizer and
UndefinedBehaviorSanitizer), runs all suites, or those named, and ends with the line
  N passed, N failed[, N skipped]
Suites: check (scripts/check.sh), unit (the C programs of `make check`), each folder of tests/ with programs test_* that
print TAP, distcheck (`make distcheck`). tests/suites names their time limits and builds. The programs find the build in
$BUILD, and a folder for their files in $TMPDIR.
  --fast   neither build/asan nor distcheck
What they print is kept in build/test-logs. Exit status: 0 all passed, 1 not, 2 wrong usage.
END
}

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
builds='test asan'
fast=false
suites=
all_suites="check unit $(for file in tests/*/test_*.py tests/*/test_*.sh tests/*/test_*.mjs; do
  [ -f "$file" ] && dirname "${file#tests/}"
done | sort -u | grep -v '^docs$' | tr '\n' ' ')distcheck"
for argument; do
  case $argument in
  --fast)
    fast=true
    builds='test'
    ;;
  --help | -h)
    usage
    exit 0
    ;;
  *)
    case " $all_suites " in
    *" $argument "*) suites="$suites $argument" ;;
    *)
      echo "test.sh: no suite '$argument'; there are: $all_suites" >&2
      exit 2
      ;;
    esac
    ;;
  esac
done
if [ -z "$suites" ]; then
  suites=$all_suites
  if $fast; then
    suites=${suites% distcheck}
  fi
fi

logs=$top/build/test-logs
mkdir -p "$logs"
tmp=$(mktemp -d /tmp/stemedb-XXXXXX) || exit 1
# The node may run as another user.
chmod 755 "$tmp"
trap 'rm -rf "$tmp"' EXIT
trap 'exit 129' HUP INT TERM
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:$top/build/tools/bin
export PATH
passed=0
failed=0
skipped=0
runs=0
started=$(date +%s)

# Reads TAP, with the command's exit status in `status`; prints "passed failed skipped" and a line for each failure that is
# none of a case.
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
  if (why != "") bad++
  print ok + 0, bad + 0, skip + 0
  if (why != "") print substr(why, 2)
}'

# Prints and counts a result: NAME SECONDS LOG PASSED FAILED SKIPPED WHY.
count_result() {
  passed=$((passed + $4))
  failed=$((failed + $5))
  skipped=$((skipped + $6))
  if [ "$5" = 0 ]; then
    echo "ok     $1: $4 passed$([ "$6" = 0 ] || echo ", $6 skipped") (${2}s)"
    return
  fi
  echo "FAILED $1: $5 failed, $4 passed (${2}s)"
  echo "------ $3"
  cat "$3"
  [ -z "$7" ] || echo "$7"
  echo "------ end of $1"
}

# A step that is right when its command succeeds: NAME COMMAND ...
run_step() {
  step=$1
  shift
  log=$logs/$(echo "$step" | tr ' /' '--').log
  before=$(date +%s)
  "$@" >"$log" 2>&1 </dev/null
  status=$?
  seconds=$(($(date +%s) - before))
  if [ "$status" = 0 ]; then
    count_result "$step" "$seconds" "$log" 1 0 0 ''
  else
    count_result "$step" "$seconds" "$log" 0 1 0 "exit status $status"
  fi
  return "$status"
}

# Ends the processes whose program is in the build; prints them.
end_leftovers() {
  for link in /proc/[0-9]*/exe; do
    program=$(readlink "$link" 2>/dev/null) || continue
    case $program in
    "$1"/*)
      pid=${link#/proc/}
      pid=${pid%/exe}
      echo "left running: $pid $program"
      kill -9 "$pid" 2>/dev/null
      ;;
    esac
  done
}

# A program that prints TAP: NAME BUILD SECONDS COMMAND ...
run_tap() {
  name=$1
  build=$2
  limit=$3
  shift 3
  runs=$((runs + 1))
  log=$logs/$(echo "$name" | tr ' /' '--').log
  files=$tmp/$runs
  reports=$tmp/reports
  mkdir -p "$files" "$reports"
  chmod 1777 "$files" "$reports"
  before=$(date +%s)
  env BUILD="$build" TMPDIR="$files" ASAN_OPTIONS="log_path=$reports/asan" \
    UBSAN_OPTIONS="print_stacktrace=1:log_path=$reports/ubsan" srcdir="$top" \
    timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null
  status=$?
  seconds=$(($(date +%s) - before))
  result=$(awk -v status="$status" "$tap_awk" "$log")
  why=$(echo "$result" | sed 1d
    end_leftovers "$build"
    cat "$reports"/* 2>/dev/null)
  # shellcheck disable=SC2046 # three numbers
  set -- $(echo "$result" | head -n 1)
  # A process left behind or a report of the sanitizers is a failure that no case has told.
  if [ -n "$why" ] && [ "$2" = 0 ]; then
    set -- "$1" 1 "$3"
  fi
  count_result "$name" "$seconds" "$log" "$1" "$2" "$3" "$why"
  rm -rf "$files" "$reports"
}

# The line of a suite in tests/suites, without its name.
settings() {
  awk -v suite="$1" '$1 == suite { own = $0 } $1 == "default" { general = $0 }
    END { line = own ? own : general; sub(/^[^ ]* +/, "", line); print line }' tests/suites
}

wants() {
  case " $suites " in
  *" $1 "*) return 0 ;;
  esac
  return 1
}

build_all() {
  "$top/scripts/build.sh" "$@" && make -C "$1" --quiet -j"$(nproc)" check TESTS=
}

run_unit() {
  build=$1
  cd "$build" || return
  for program in $(make --quiet print-tests); do
    # Scripts among them are run as the suite of their folder.
    [ ! -x "$program" ] || run_tap "$program ($(basename "$build"))" "$build" "$2" "./$program"
  done
  cd "$top" || exit 1
}

run_scripts() {
  suite=$1
  build=$2
  for program in tests/"$suite"/test_*.py tests/"$suite"/test_*.sh tests/"$suite"/test_*.mjs; do
    [ -f "$program" ] || continue
    run_tap "$program ($(basename "$build"))" "$build" "$3" "./$program"
  done
}

# The libraries of browser tests, as their lock file has them.
install_node_modules() {
  for lock in tests/*/package-lock.json; do
    [ -f "$lock" ] || continue
    folder=$(dirname "$lock")
    wants "$(basename "$folder")" || continue
    installed=$folder/node_modules/.package-lock.json
    if [ ! -f "$installed" ] || [ -n "$(find "$lock" -newer "$installed")" ]; then
      run_step "npm ci in $folder" npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund
    fi
  done
}

# All wanted suites that tests/suites has with this build.
run_suites_of() {
  built=$1
  build=$top/build/$built
  for suite in $suites; do
    case $suite in check | distcheck) continue ;; esac
    line=$(settings "$suite")
    limit=${line%% *}
    case " ${line#* } " in
    *" $built "*) ;;
    *) continue ;;
    esac
    case $suite in
    unit) run_unit "$build" "$limit" ;;
    *) run_scripts "$suite" "$build" "$limit" ;;
    esac
  done
}

main() {
  if ! ./scripts/packages.sh test >"$logs/packages.log" 2>&1; then
    cat "$logs/packages.log"
    echo 'test.sh: going on without the packages that are missing'
  fi
  if wants check; then
    run_tap check "$top/build/none" 300 ./scripts/check.sh
  fi
  install_node_modules
  if [ "$(echo "$suites" | tr -d ' ')" != check ]; then
    for name in $builds; do
      case $name in
      test) run_step 'build test' build_all "$top/build/test" --enable-faults ;;
      asan) run_step 'build asan' build_all "$top/build/asan" --enable-faults --enable-sanitizers ;;
      esac && run_suites_of "$name"
    done
  fi
  if wants distcheck; then
    run_step 'make distcheck' make -C build/test -j"$(nproc)" distcheck
  fi
}

main
echo "Took $(($(date +%s) - started)) s; logs are in build/test-logs."
summary="$passed passed, $failed failed"
[ "$skipped" = 0 ] || summary="$summary, $skipped skipped"
echo "$summary"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
