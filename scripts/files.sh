#!/bin/sh
# Prints the paths of the project's own files, from the top of the source tree: in a git work tree what git tracks or would
# track, else (an unpacked tarball) everything but what a build makes.
# Usage: scripts/files.sh [PATTERN ...]   shell patterns of whole paths, where * matches / too
set -eu
cd "$(dirname "$0")/.."
if [ -e .git ]; then
  git ls-files --cached --others --exclude-standard
else
  find . \( -path ./build -o -path ./autom4te.cache -o -name node_modules -o -name .deps -o -name __pycache__ \) -prune -o \
    -type f ! -name '*.o' ! -name '*.a' -print | sed 's|^\./||'
fi | LC_ALL=C sort | while IFS= read -r file; do
  # Deleted, and not yet committed.
  [ -f "$file" ] || continue
  [ $# -gt 0 ] || echo "$file"
  for pattern; do
    # shellcheck disable=SC2254 # it is a pattern
    case $file in
    $pattern)
      echo "$file"
      break
      ;;
    esac
  done
done
