#!/bin/sh
# Builds the source tree in a folder of its own.
set -eu

usage() {
  cat <<'END'
Usage: scripts/build.sh DIR [CONFIGURE_OPTION ...]
Builds the programs in DIR (made if need be): autogen.sh, configure with the options, make, each only where something
has changed since. MAKEFLAGS is respected; without it, make runs one job a processor.
END
}

case ${1-} in
--help | -h)
  usage
  exit 0
  ;;
'' | -*)
  usage >&2
  exit 2
  ;;
esac
top=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift

# make would do this itself, but two builds at once would do it twice, in the same files.
autogen_is_due() {
  [ -x "$top/configure" ] && [ -f "$top/Makefile.in" ] || return 0
  [ -n "$(find "$top/configure.ac" "$top/Makefile.am" -newer "$top/Makefile.in")" ] ||
    [ -n "$(find "$top/src" "$top/tests" "$top/conf" "$top/www" "$top/scripts" "$top/docs" "$top/examples" "$top/bench" \
      -name Makefile.inc -newer "$top/Makefile.in")" ]
}

if autogen_is_due; then
  "$top/autogen.sh"
fi
cd "$dir"
if [ ! -f config.status ] || [ "$(cat configure-options 2>/dev/null)" != "$*" ]; then
  "$top/configure" --quiet "$@"
  printf '%s' "$*" >configure-options
fi
if [ -z "${MAKEFLAGS-}" ]; then
  MAKEFLAGS=-j$(nproc)
  export MAKEFLAGS
fi
make --quiet
