#!/bin/sh
# The command of an installed agent: runs its current version as the agent's own user. `run` also starts it again after
# an update, and goes back to the previous version where a new one ends before it has connected.
set -u

home=$(dirname "$(dirname "$(readlink -f "$0")")")
versions=$home/versions
export EDGETUNE_AGENT_VERSIONS="$versions"
export EDGETUNE_AGENT_DATA_DIR="${EDGETUNE_AGENT_DATA_DIR:-/var/lib/edgetune-agent}"
# Exit code with which the agent asks to be started again: it has switched to another version.
restart=75

owner=$(stat -c %U "$versions")
if [ "${1:-}" = uninstall ]; then
  if [ "$(id -u)" != 0 ]; then
    echo 'edgetune-agent: uninstall needs root: sudo edgetune-agent uninstall' >&2
    exit 1
  fi
  exec sh "$home/bin/uninstall.sh"
fi
# Root does not run what the agent's user may write.
if [ "$(id -u)" = 0 ] && [ "$owner" != root ]; then
  cd / || exit 1
  exec runuser -u "$owner" -- "$0" "$@"
fi

main=$versions/current/bin/edgetune-agent.js
if [ "${1:-}" != run ]; then
  exec "$home/bin/node" "$main" "$@"
fi

point_current_to() {
  ln -sfn "$1" "$versions/current.new" && mv -Tf "$versions/current.new" "$versions/current"
}

# `trial` holds the name of the version on trial; the agent removes it when it has connected. Where a power cut has left no
# name in it, or there is no previous version, the current one goes on.
roll_back() {
  trial=$(cat "$versions/trial")
  previous=$(readlink "$versions/previous")
  if [ -n "$trial" ] && [ -n "$previous" ] && [ -d "$versions/$previous" ]; then
    reason=$(cat "$versions/trial.reason" 2>/dev/null) ||
      reason='it ended before it had connected to the coordinator (its last words are in the journal)'
    # An empty one: it could not connect, which may be no fault of its own. It is offered again.
    if [ -n "$reason" ]; then printf '%s\n%s\n' "$trial" "$reason" >"$versions/failed"; fi
    echo "edgetune-agent: back to the previous version: ${reason:-the coordinator was not reached}" >&2
    point_current_to "$previous"
    rm -rf "${versions:?}/$trial"
  fi
  rm -f "$versions/trial" "$versions/trial.started" "$versions/trial.reason"
}

child=''
stopping=no
stop() {
  stopping=yes
  if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null; fi
}
trap stop TERM INT HUP

while :; do
  if [ -e "$versions/trial" ]; then
    # A power cut or a kill ended an earlier start of it.
    if [ -e "$versions/trial.started" ]; then roll_back; else : >"$versions/trial.started"; fi
  fi
  # Small heaps: the agent waits most of the time, and its measuring processes have heaps of their own.
  "$home/bin/node" --max-semi-space-size=1 --optimize-for-size "$main" "$@" &
  child=$!
  # A signal ends `wait` before the agent has ended.
  while :; do
    wait "$child"
    code=$?
    kill -0 "$child" 2>/dev/null || break
  done
  child=''
  if [ "$stopping" = yes ]; then
    rm -f "$versions/trial.started"
    exit 0
  fi
  if [ -e "$versions/trial.started" ]; then
    roll_back
  elif [ "$code" != "$restart" ]; then
    exit "$code"
  fi
done
