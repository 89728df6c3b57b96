#!/bin/sh
# The nginx of a home: renders its configuration and starts, stops or reloads it.
set -eu
here=$(dirname "$0")
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

usage() {
  cat <<'END'
Usage: scripts/nginx.sh render|start|stop|reload|serve|run HOME
  render  writes HOME/run/nginx from the templates in conf/ and the ports in HOME/stemedb.conf
  start   renders, then starts nginx in the background
  serve   as start, for a service manager that knows itself what runs: waits for its ports; nginx listens when this returns
  run     renders, then becomes nginx in the foreground
  reload  renders, then makes nginx take it, without a lost request
  stop    ends it after the requests that are under way
END
}

# Whether an address is one of loopback's.
is_loopback() {
  case $1 in
  127.* | ::1) return 0 ;;
  esac
  return 1
}

# Those of listen_address and tls_* that are not fit to stand in nginx's configuration end it here, in words.
read_addresses() {
  addresses=$(option "$home" listen_address '')
  case $addresses in
  *[!0-9A-Fa-f:.\ ]*) die "listen_address = $addresses: IP addresses are expected, separated by spaces" ;;
  esac
  certificate=$(file_option tls_certificate)
  key=$(file_option tls_key)
  [ -n "$certificate" ] && [ -n "$key" ] || [ -z "$certificate$key" ] ||
    die "tls_certificate and tls_key belong together: one of them is missing"
  [ -z "$key" ] || as_user test -r "$certificate" -a -r "$key" ||
    die "tls_certificate or tls_key cannot be read by the user ${service_user:-$(id -un)}: $certificate, $key"
}

# An option with a path, made absolute; empty if it is.
file_option() {
  value=$(option "$home" "$1" '')
  case $value in
  '' | /*) ;;
  *) value=$home/$value ;;
  esac
  case $value in
  *[!A-Za-z0-9/._@+-]*) die "$1 = $value: letters, digits and / . _ @ + - are expected" ;;
  esac
  printf '%s\n' "$value"
}

# Nothing listens beyond this machine by a slip.
refuse_exposure() {
  outside=
  for address in $addresses; do
    is_loopback "$address" || outside="$outside $address"
  done
  [ -n "$outside" ] || return 0
  [ "$(option "$home" listen_unprotected no)" != yes ] || return 0
  lack=
  [ -n "$key" ] || lack=' tls_certificate and tls_key (else all that is said, and every token, can be read on the way)'
  [ -s "$(tokens_file "$home")" ] || lack="$lack${lack:+, and} tokens, by \`stemedb token add\` (else anybody may write and retract)"
  [ -z "$lack" ] ||
    die "listen_address =$outside is beyond this machine, and lacks$lack. If something else protects the node, say so by listen_unprotected = yes"
}

# 127.0.0.1 and ::1 are for the tools and scripts of this machine, and stay without TLS.
listen_file() { # listen_file FILE PORT [default_server]
  {
    echo "listen 127.0.0.1:$2${3:+ $3};"
    if grep -qs '^00000000000000000000000000000001 ' /proc/net/if_inet6; then
      echo "listen [::1]:$2${3:+ $3};"
    fi
    for address in $addresses; do
      case $address in
      127.0.0.1 | ::1) continue ;;
      *:*) address="[$address]" ;;
      esac
      echo "listen $address:$2${key:+ ssl}${3:+ $3};"
    done
  } >"$prefix/$1"
}

# The names that nginx answers to: host_names, and the addresses themselves.
names() {
  option "$home" host_names ''
  for address in $addresses; do
    case $address in
    0.0.0.0 | ::) ;;
    *:*) echo "[$address]" ;;
    *) echo "$address" ;;
    esac
  done
}

tls_file() {
  if [ -n "$key" ]; then
    printf '%s\n' "ssl_certificate $certificate;" "ssl_certificate_key $key;"
    cat "$conf/nginx-tls.conf"
  fi >"$prefix/tls.conf"
}

# rate_limit of stemedb.conf: what one token, or one address without a token, may ask for in a second.
limits_file() {
  rate=$(option "$home" rate_limit 0)
  case $rate in
  *[!0-9]* | '' | 0) : >"$prefix/limits.conf" ;;
  *)
    # shellcheck disable=SC2016 # nginx's variables
    printf '%s\n' 'map $http_authorization$http_x_api_key $client { "" $binary_remote_addr; default $http_authorization$http_x_api_key; }' \
      "limit_req_zone \$client zone=clients:4m rate=${rate}r/s;" "limit_req zone=clients burst=$rate nodelay;" \
      'limit_req_status 429;' >"$prefix/limits.conf"
    ;;
  esac
}

# How many files nginx may have open, at most 32768, in $open_files, and how many connections that is in $connections.
# A limit above what the system allows would be an error of nginx's, which would go on with the soft limit.
count_connections() {
  # shellcheck disable=SC3045 # the shells that are sh in Debian have it
  open_files=$(ulimit -Hn)
  case $open_files in
  *[!0-9]*) open_files=32768 ;;
  esac
  [ "$open_files" -le 32768 ] || open_files=32768
  connections=$((open_files - open_files / 8))
  [ "$connections" -le 16384 ] || connections=16384
}

render() {
  read_addresses
  refuse_exposure
  conf=$(shared_folder conf)
  www=$(shared_folder www)
  mkdir -p "$prefix/tmp" "$prefix/extra" "$home/log"
  user_line=
  # A master that stays root would start its processes as another user, who cannot reach the workers' socket.
  [ "${service_user:-$(id -un)}" != root ] || user_line='user root;'
  count_connections
  sed -e "s|@OPEN_FILES@|$open_files|" -e "s|@CONNECTIONS@|$connections|" -e "s|@USER_LINE@|$user_line|" -e "s|@RUN@|$home/run|g" -e "s|@LOG@|$home/log|g" -e "s|@WWW@|$www|g" \
    -e "s| *@HOST_NAMES@| $(names | tr '\n' ' ')|" "$conf/nginx.conf.in" >"$prefix/nginx.conf.new"
  cp "$conf/nginx-types.conf" "$prefix/types.conf"
  cp "$conf/nginx-problems.conf" "$prefix/problems.conf"
  cp "$conf/nginx-api.conf" "$prefix/api.conf"
  api_port=$(option "$home" api_port 18180)
  dashboard_port=$(option "$home" dashboard_port 18188)
  limits_file
  tls_file
  listen_file listen-api.conf "$api_port"
  listen_file listen-dashboard.conf "$dashboard_port"
  listen_file listen-other.conf "$api_port" default_server
  listen_file listen-dashboard-other.conf "$dashboard_port" default_server
  cat "$prefix/listen-dashboard-other.conf" >>"$prefix/listen-other.conf"
  rm "$prefix/listen-dashboard-other.conf"
  mv "$prefix/nginx.conf.new" "$prefix/nginx.conf"
  if [ -n "$service_user" ]; then
    chown -R "$service_user" "$prefix" "$home/log"
  fi
}

ports_free() {
  ! port_taken "$(option "$home" api_port 18180)" && ! port_taken "$(option "$home" dashboard_port 18188)"
}

# nginx resolves the path of a Unix socket by its working directory, so all are absolute; -e: not the compiled-in error log.
nginx_here() {
  as_user nginx -p "$prefix/" -c "$prefix/nginx.conf" -e "$home/log/nginx-error.log" "$@"
}

[ $# -eq 2 ] || {
  usage >&2
  exit 2
}
action=$1
home=$(cd "$2" && pwd) || exit 1
prefix=$home/run/nginx
choose_user "$home"
case $action in
render)
  render
  ;;
start)
  if live_pid "$home/run/nginx.pid" >/dev/null; then
    die "nginx runs already (pid $(live_pid "$home/run/nginx.pid"))"
  fi
  render
  nginx_here
  ;;
run)
  render
  # exec, so that signals come to nginx itself.
  exec_as_user nginx -p "$prefix/" -c "$prefix/nginx.conf" -e "$home/log/nginx-error.log" -g 'daemon off;'
  ;;
serve)
  render
  # A pid file from before a loss of power may name any process of today.
  rm -f "$home/run/nginx.pid"
  # Those of an nginx that is about to end. nginx itself tells of what stays taken.
  wait_until 100 ports_free || :
  # The ports are bound before nginx goes into the background.
  exec_as_user nginx -p "$prefix/" -c "$prefix/nginx.conf" -e "$home/log/nginx-error.log"
  ;;
reload)
  pid=$(live_pid "$home/run/nginx.pid") || die "nginx does not run"
  render
  nginx_here -t -q
  kill -HUP "$pid"
  ;;
stop)
  if pid=$(live_pid "$home/run/nginx.pid"); then
    kill -QUIT "$pid"
    if ! wait_until 50 gone "$pid"; then
      kill -TERM "$pid" 2>/dev/null || :
      wait_until 50 gone "$pid" || die "nginx (pid $pid) does not end"
    fi
  fi
  ;;
*)
  usage >&2
  exit 2
  ;;
esac
