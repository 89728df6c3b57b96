# shellcheck shell=bash
# Completion of stemedb for bash: subcommands and options are those that its --help lists.

_stemedb() {
  local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local subcommand='' words='' at
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    case ${COMP_WORDS[at]} in
    --home) at=$((at + 1)) ;;
    -*) ;;
    *)
      subcommand=${COMP_WORDS[at]}
      break
      ;;
    esac
  done
  case $previous in
  --home | --token-file | --file | --output | --against | --backup | --backups | --archive | --from-archive | --scratch | --tokens) return ;; # names of files, by default
  --lens) words='recency confidence authority consensus skeptic layered timeline' ;;
  --role) words='reader writer admin' ;;
  *)
    if [[ -z $subcommand ]]; then
      words="$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p') --home --help --version"
    elif [[ $current == -* ]]; then
      words="$("$program" "$subcommand" --help 2>/dev/null | grep -oE -e '(^|[^a-z-])--[a-z][a-z-]*' | tr -cd 'a-z\n-')"
    fi
    ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current" | sort -u)
}

complete -o bashdefault -o default -F _stemedb stemedb
