#!/bin/sh
# Installs the Debian packages that StemeDB needs, and only those that are missing: what is proved by its program or file
# to be there already, from wherever, is left alone.
set -eu

usage() {
  cat <<'END'
Usage: scripts/packages.sh [--list] build|test
Installs what is missing for building and running StemeDB (build), or for testing it, too (test).
  --list   only prints the names of the missing packages
As root, or by sudo; asks nothing.
END
}

# package, then the program or file that proves that it is there
build_packages='
gcc gcc
make make
autoconf autoconf
automake automake
pkg-config pkg-config
libc6-dev /usr/include/stdio.h
libdb5.3-dev /usr/include/db.h
db5.3-util db5.3_hotbackup
libjson-c-dev /usr/include/json-c/json.h
libcunit1-dev /usr/include/CUnit/CUnit.h
libsodium-dev /usr/include/sodium.h
libssl-dev /usr/include/openssl/sha.h
libfcgi-dev /usr/include/fcgiapp.h
libcurl4-openssl-dev curl-config
zlib1g-dev /usr/include/zlib.h
nginx-light nginx
curl curl
jq jq
ca-certificates /etc/ssl/certs/ca-certificates.crt
procps pgrep
nodejs node
npm npm
'
test_packages='
clang-format clang-format
shellcheck shellcheck
python3 python3
chromium chromium
valgrind valgrind
strace strace
git git
xz-utils xz
mandoc mandoc
rclone rclone
openssl openssl
build-essential /usr/share/build-essential/list
debhelper dh
dpkg-dev dpkg-buildpackage
fakeroot fakeroot
lintian lintian
'

# The names among "package proof" lines on standard input whose proof is missing.
missing() {
  while read -r package proof; do
    case $proof in
    '') continue ;;
    /*) [ -e "$proof" ] || echo "$package" ;;
    *) command -v "$proof" >/dev/null || echo "$package" ;;
    esac
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif [ -t 0 ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

# A package that brings a service starts it while it is being installed. StemeDB runs an nginx of its own: the machine's
# is neither started now nor at the next boot, if it was not there before.
install_without_services() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  as_root sh -eu -c '
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
      trap "rm -f $policy" EXIT
      printf "#!/bin/sh\nexit 101\n" >"$policy"
      chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q -o Acquire::Retries=3 update || echo "packages: going on with the package lists that are there" >&2
    apt-get -q -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 install --no-install-recommends "$@"
    for package; do
      if [ "$package" = nginx-light ] && command -v systemctl >/dev/null; then
        systemctl --quiet disable nginx.service || true
      fi
    done' sh "$@"
}

# The Prometheus server is a service: it and promtool are unpacked into build/tools, not installed.
fetch_prometheus() {
  tools=$(cd "$(dirname "$0")/.." && pwd)/build/tools
  all_there=true
  for program in promtool prometheus; do
    command -v $program >/dev/null || [ -x "$tools/bin/$program" ] || all_there=false
  done
  if $all_there; then
    return 0
  fi
  mkdir -p "$tools/bin" "$tools/prometheus"
  (
    cd "$tools/prometheus"
    fetch='apt-get -q -o Acquire::Retries=3 download prometheus'
    $fetch || { as_root apt-get -q update && $fetch; }
    dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xf - ./usr/bin/promtool ./usr/bin/prometheus
    mv usr/bin/promtool usr/bin/prometheus "$tools/bin/"
    rm -f prometheus_*.deb
  )
}

list=false
if [ "${1-}" = --list ]; then
  list=true
  shift
fi
kind=${1-}
case $kind in
build) wanted=$build_packages ;;
test) wanted=$build_packages$test_packages ;;
--help | -h)
  usage
  exit 0
  ;;
*)
  usage >&2
  exit 2
  ;;
esac

# Where nginx is, for users whose PATH leaves it out.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# shellcheck disable=SC2046 # one word a package
set -- $(printf '%s' "$wanted" | missing)
if $list; then
  [ $# = 0 ] || printf '%s\n' "$@"
  exit 0
fi
if [ $# -gt 0 ]; then
  echo "Installing Debian packages: $*"
  if ! command -v apt-get >/dev/null || { [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; }; then
    echo "packages: neither root nor sudo, or no apt-get: install these first" >&2
    exit 1
  fi
  install_without_services "$@"
fi
if [ "$kind" = test ]; then
  fetch_prometheus
fi
