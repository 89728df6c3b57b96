#!/bin/sh
# Builds the Debian package.
set -eu

usage() {
  cat <<'END'
Usage: scripts/package.sh [--version VERSION] [DIR]
Builds the Debian package stemedb from the source tree, by dpkg-buildpackage, into DIR (build/package), and has lintian look at
it where that is installed. Needs debhelper and the packages that building needs (scripts/packages.sh build). The dashboard's
chart library goes in, if it can be fetched (scripts/charts.sh).
  --version  the package's version, instead of that of conf/debian/changelog
Prints the path of the package. Errors that lintian finds are an error.
END
}

version=
if [ "${1-}" = --version ]; then
  version=${2:?}
  shift 2
fi
case ${1-} in
--help | -h)
  usage
  exit 0
  ;;
-*)
  usage >&2
  exit 2
  ;;
esac
cd "$(dirname "$0")/.."
dir=${1:-build/package}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
tree=$dir/source
rm -rf "$tree"
mkdir "$tree"
./scripts/files.sh | tar -cf - -T - | tar -xf - -C "$tree"
./scripts/charts.sh --if-possible
for file in www/vendor/uPlot.*; do
  [ ! -f "$file" ] || cp "$file" "$tree/www/vendor/"
done
cp -R conf/debian "$tree/debian"
[ -z "$version" ] || sed -i "1s/(.*)/($version)/" "$tree/debian/changelog"
# Its tests are those of the tree.
if ! (cd "$tree" && DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS-} nocheck parallel=$(nproc)" dpkg-buildpackage -us -uc -b) >"$dir/build.log" 2>&1; then
  tail -n 30 "$dir/build.log" >&2
  echo "package: the build failed: see $dir/build.log" >&2
  exit 1
fi
package=$(sed -n 's/^dpkg-deb: building package .stemedb. in .*\/\(stemedb_.*\.deb\).*/\1/p' "$dir/build.log")
rm -rf "$tree"
if command -v lintian >/dev/null; then
  lintian --allow-root --fail-on error "$dir/$package" >&2
fi
printf '%s\n' "$dir/$package"
