#!/bin/sh
# Takes the agent off this board, as root: out of the fleet, out of systemd, its files, its user.
set -u

home=/opt/edgetune-agent
data=/var/lib/edgetune-agent
user=edgetune-agent
unit=/etc/systemd/system/edgetune-agent.service

if command -v systemctl >/dev/null && [ -f "$unit" ]; then
  if [ -d /run/systemd/system ]; then systemctl stop edgetune-agent.service; fi
  systemctl disable --quiet edgetune-agent.service
fi
cd / || exit 1
# It stops an agent that runs in the foreground, too.
runuser -u "$user" -- env EDGETUNE_AGENT_DATA_DIR="$data" \
  "$home/bin/node" "$home/versions/current/bin/edgetune-agent.js" uninstall
sh "$home/bin/grant-controls.sh" revoke
rm -f "$unit" /usr/local/bin/edgetune-agent /etc/default/edgetune-agent
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl reset-failed edgetune-agent.service 2>/dev/null
fi
rm -rf "$home" "$data"
userdel "$user"
echo 'The EdgeTune agent is removed: nothing of it is left on this board.'
