#!/bin/sh
# shellcheck disable=SC2016 # back quotes are meant
# Files and functions that the documents name exist. A function is named as `path/file.c`: `function`, `function` …
set -u
cd "$(dirname "$0")/../.." || exit 1
echo 1..2

# Each path in back quotes that looks like one of the tree.
missing=$(grep -ohE '`(src|scripts|docs|conf|tests|examples|bench|www)/[A-Za-z0-9_./-]+`' README.md docs/*.md | tr -d '`' | sort -u |
  grep -vE 'NAME|/$' | while read -r path; do
  [ -e "$path" ] || echo "# $path"
done)
if [ -z "$missing" ]; then
  echo 'ok 1 - every file that a document names exists'
else
  echo 'not ok 1 - every file that a document names exists'
  echo "$missing"
fi

missing=$(grep -ohE '`src/[a-z_/]+\.[ch]`: (`[a-z_0-9]+`(, )?)+' docs/*.md | while IFS= read -r line; do
  file=$(echo "$line" | cut -d'`' -f2)
  for name in $(echo "$line" | sed 's/^[^:]*: //' | tr -d '`,'); do
    grep -qE "(^|[ *])$name\(" "$file" || echo "# $file has no $name()"
  done
done)
if [ -z "$missing" ]; then
  echo 'ok 2 - every function that a document names is in the file that it names'
else
  echo 'not ok 2 - every function that a document names is in the file that it names'
  echo "$missing"
fi
