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
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 129' HUP INT TERM
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:$top/build/tools/bin
export PATH
started=$(date +%s)
TEST_LOGS=$logs
TEST_RESULTS=$tmp/results
export TEST_LOGS TEST_RESULTS
: >"$TEST_RESULTS"

# A step that is right when its command succeeds, told as a TAP program of one case: NAME COMMAND ...
run_step() {
  step=$1
  shift
  # shellcheck disable=SC2016 # expanded by the inner shell
  ./scripts/run-tap.sh "$step" "$top/build" 3600 sh -c '
    echo 1..1
    { "$@" 2>&1; echo "$?" >"$TMPDIR/status"; } | sed "s/^/# /"
    read -r status <"$TMPDIR/status"
    [ "$status" = 0 ] && echo "ok 1" || echo "not ok 1 - exit status $status"' sh "$@"
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

# A job of the pool: five lines.
job() { # job NAME BUILD SECONDS FOLDER PROGRAM
  printf '%s\n' "$@"
}

unit_jobs() {
  build=$1
  limit=$2
  # Scripts among them are run as the suite of their folder.
  make -C "$build" --quiet --no-print-directory print-tests | tr ' ' '\n' | grep -vE '\.(py|sh|mjs)$' |
    while read -r program; do
      job "$program ($(basename "$build"))" "$build" "$limit" "$build" "./$program"
    done
}

script_jobs() {
  suite=$1
  build=$2
  for program in tests/"$suite"/test_*.py tests/"$suite"/test_*.sh tests/"$suite"/test_*.mjs; do
    [ ! -f "$program" ] || job "$program ($(basename "$build"))" "$build" "$3" "$top" "./$program"
  done
}

# Every program keeps to itself: a home, a TMPDIR and a range of ports of its own. Most of them wait more than they
# compute, so two run for each processor.
run_pool() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  srcdir=$top xargs -d '\n' -n 5 -P $((2 * $(nproc))) --process-slot-var=slot sh -c '
    first=$((20000 + slot % 20 * 500))
    export STEMEDB_PORTS="$first-$((first + 499))"
    cd "$4" && exec "$0" "$1" "$2" "$3" "$5"' "$top/scripts/run-tap.sh"
}

# The libraries of browser tests, as their lock file has them, and the dashboard's charts.
install_node_modules() {
  if wants browser; then
    run_step "scripts/charts.sh" ./scripts/charts.sh
  fi
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

# Adds the jobs of a suite with a build, if tests/suites has it there: SUITE BUILD
jobs_of() {
  line=$(settings "$1")
  case " ${line#* } " in
  *" $2 "*) ;;
  *) return 0 ;;
  esac
  case $1 in
  unit) unit_jobs "$top/build/$2" "${line%% *}" ;;
  *) script_jobs "$1" "$top/build/$2" "${line%% *}" ;;
  esac
}

# All jobs of the builds; scripts first, since they take longest.
all_jobs() {
  for built; do
    for suite in $suites; do
      case $suite in
      check | distcheck | unit) ;;
      *) jobs_of "$suite" "$built" ;;
      esac
    done
  done
  for built; do
    ! wants unit || jobs_of unit "$built"
  done
}

# The programs and those of `make check`: NAME CONFIGURE_OPTION ...
build_with_tests() {
  build=build/$1
  shift
  # shellcheck disable=SC2016 # expanded by the inner shell
  run_step "$build" sh -eu -c './scripts/build.sh "$@"; make -C "$1" --quiet -j"$(nproc)" check TESTS=' sh "$build" "$@"
}

main() {
  run_step 'install packages' ./scripts/packages.sh test
  if wants check; then
    ./scripts/run-tap.sh check "$top/build" 300 ./scripts/check.sh
  fi
  install_node_modules
  # check needs no build, distcheck only the first one.
  programs=$(echo " $suites " | sed 's/ check / /; s/ distcheck / /' | tr -d ' ')
  if [ -z "$programs" ]; then
    builds=$(wants distcheck && echo test)
  fi
  built=
  for name in $builds; do
    case $name in
    test) build_with_tests test --enable-faults ;;
    asan) build_with_tests asan --enable-faults --enable-sanitizers ;;
    esac && built="$built $name"
  done
  # Its tests are those of the build that it makes.
  if wants distcheck; then
    run_step 'make distcheck' env -u BUILD make -C build/test -j"$(nproc)" distcheck &
  fi
  # shellcheck disable=SC2086 # a list
  all_jobs $built >"$tmp/jobs"
  run_pool <"$tmp/jobs"
  wait
}

main
echo "Took $(($(date +%s) - started)) s; logs are in build/test-logs."
awk '{ passed += $1; failed += $2; skipped += $3 }
  END {
    printf "%d passed, %d failed%s\n", passed, failed, skipped ? ", " skipped " skipped" : ""
    exit failed || !passed
  }' "$TEST_RESULTS"
