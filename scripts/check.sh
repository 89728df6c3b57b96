#!/bin/sh
# What can be checked without running StemeDB: the form of its sources and documents. Prints TAP.
set -eu

usage() {
  cat <<'END'
Usage: scripts/check.sh [CHECK ...]
Runs all checks, or those named, and prints TAP:
  format   every C file is as clang-format leaves it
  shell    every shell script is clean under shellcheck
  layers   no include goes against src/layers
  headers  every header compiles alone
  words    no unbounded string function is called, nothing is left to do
  man      every manual page is clean under mandoc
  docs     every program tests/docs/test_* passes
END
}

cd "$(dirname "$0")/.."
count=0
failures=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP INT TERM

# Prints the result of a check: $1 says what is right when there is no output in $work/out.
report() {
  count=$((count + 1))
  if [ -s "$work/out" ]; then
    failures=$((failures + 1))
    echo "not ok $count - $1"
    sed 's/^/# /' "$work/out"
  else
    echo "ok $count - $1"
  fi
}

# Standard output of xargs: the files named on standard input given to a command, none of them if there are none.
each() {
  tr '\n' '\0' | xargs -0 -r "$@" 2>&1 || true
}

check_format() {
  ./scripts/files.sh '*.[ch]' | each clang-format --dry-run -Werror --ferror-limit=3 >"$work/out"
  report 'every C file is as clang-format leaves it'
}

check_shell() {
  ./scripts/files.sh | while IFS= read -r file; do
    case $file in
    *.sh) echo "$file" ;;
    *) if head -c 64 "$file" | head -n 1 | grep -aEq '^#! ?/(usr/)?bin/(env )?(da|ba)?sh'; then echo "$file"; fi ;;
    esac
  done >"$work/scripts"
  each shellcheck -x <"$work/scripts" >"$work/out"
  report 'every shell script is clean under shellcheck'
  each grep -LE '^#! ?/bin/sh|^# shellcheck shell=sh' <"$work/scripts" >"$work/out"
  report 'every shell script is one for /bin/sh'
}

check_layers() {
  ./scripts/files.sh 'src/*.[ch]' 'tests/*.[ch]' | each awk -f scripts/layers.awk src/layers >"$work/out"
  report 'no include goes against src/layers'
}

check_headers() {
  : >"$work/out"
  for header in $(./scripts/files.sh 'src/*.h' 'tests/*.h'); do
    # Twice, since the guard must work too.
    printf '#include "%s"\n#include "%s"\n' "${header#src/}" "${header#src/}" >"$work/one.c"
    # shellcheck disable=SC2046 # the flags are words
    ${CC:-gcc} -std=c11 -D_GNU_SOURCE -DSTEMEDB_FAULTS_ENABLED -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
      -Isrc -I. $(pkg-config --cflags json-c libsodium libcurl) -fsyntax-only "$work/one.c" >>"$work/out" 2>&1 || true
  done
  report 'every header compiles alone and twice'
}

check_words() {
  ./scripts/files.sh '*.[ch]' |
    each grep -nE '(^|[^A-Za-z0-9_])(strcpy|strcat|sprintf|vsprintf|strtok|gets|alloca)[ ]*\(' >"$work/out"
  report 'no unbounded string function is called'
  ./scripts/files.sh 'src/*' 'scripts/*' 'tests/*' 'bench/*' 'docs/*' 'www/*' | grep -v '^scripts/check.sh$' |
    each grep -nIE '(^|[^A-Za-z])(TODO|FIXME|XXX|HACK)([^A-Za-z]|$)' >"$work/out"
  report 'nothing is left to do'
}

check_man() {
  ./scripts/files.sh 'docs/man/*' | each mandoc -T lint -W warning >"$work/out"
  report 'every manual page is clean under mandoc'
}

check_docs() {
  for program in tests/docs/test_*; do
    [ -x "$program" ] || continue
    if "./$program" >"$work/out" 2>&1; then
      : >"$work/out"
    else
      echo "exit status $?" >>"$work/out"
    fi
    report "$program passes"
  done
}

checks='format shell layers headers words man docs'
for name; do
  case " $checks --help -h " in
  *" $name "*) ;;
  *)
    usage >&2
    exit 2
    ;;
  esac
done
case " $* " in
*' --help '* | *' -h '*)
  usage
  exit 0
  ;;
esac
if [ $# = 0 ]; then
  # shellcheck disable=SC2086 # words
  set -- $checks
fi
for name; do
  "check_$name"
done
echo "1..$count"
[ "$failures" = 0 ]
