#!/bin/sh
# Installs the EdgeTune agent on this board, or updates it:
#   curl -fsSL @SERVER@/install.sh | sudo sh -s -- --name NAME --token TOKEN
# The coordinator that serves this file puts its own address in, and where it encrypts its public key. Where a step fails, the board is left as it was.
set -eu

server='@SERVER@'
pin='@PIN@'
home=/opt/edgetune-agent
data=/var/lib/edgetune-agent
user=edgetune-agent
unit=/etc/systemd/system/edgetune-agent.service
command=/usr/local/bin/edgetune-agent
versions=$home/versions

# What is taken back where a later step fails.
work=''
made_user=no
made_home=no
made_data=no
made_version=''
used_token=no
finished=no

say() { printf '%s\n' "$*"; }
fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

main() {
  name='this board'
  token=''
  while [ $# -gt 0 ]; do
    case $1 in
      --name | --token | --server)
        [ $# -ge 2 ] || fail "$1 needs a value"
        case $1 in
          --name) name=$2 ;;
          --token) token=$2 ;;
          --server) server=${2%/} ;;
        esac
        shift 2
        ;;
      *) fail "unknown argument $1: there are --name NAME, --token TOKEN and --server URL" ;;
    esac
  done
  check_platform
  # curl compares keys over https:// only; an address without a scheme is http:// to it.
  case $pin,$server in ,* | *,https://*) ;; *) fail "the coordinator encrypts: $server must begin with https://" ;; esac
  check_tools
  [ "$(id -u)" = 0 ] || fail 'it must run as root: put sudo before sh'
  trap undo EXIT
  trap 'exit 1' HUP INT TERM
  # On the disk: /tmp may be a small part of the memory.
  work=$(mktemp -d /var/tmp/edgetune-agent.XXXXXX)

  say "Installing the EdgeTune agent from $server"
  make_user_and_folders
  place_node
  place_agent
  as_user self-test >"$work/self-test" 2>&1 ||
    fail "the agent does not run here: $(tail -n 1 "$work/self-test")"
  join
  switch_over
  finished=yes
  report
}

check_platform() {
  case $(uname -m) in
    aarch64 | arm64) arch=arm64 ;;
    x86_64 | amd64) arch=x64 ;;
    *) fail "this board's architecture is $(uname -m): the agent needs 64 bits (arm64 or x86-64), because ONNX Runtime has no 32-bit build" ;;
  esac
  [ "$(getconf LONG_BIT)" = 64 ] ||
    fail 'the kernel has 64 bits, but the system on it 32, and ONNX Runtime has no 32-bit build: install the 64-bit system (such as Raspberry Pi OS 64-bit)'
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) ||
    fail 'this system has no glibc (is it Alpine?), and ONNX Runtime needs glibc 2.28 or later: use Debian, Ubuntu or another system with glibc'
  libc=${libc#glibc }
  if [ "${libc%%.*}" -lt 2 ] || { [ "${libc%%.*}" -eq 2 ] && [ "$(printf '%s' "${libc#*.}" | cut -d. -f1)" -lt 28 ]; }; then
    fail "this system has glibc $libc, and Node.js 20 needs 2.28 or later. The original Jetson Nano's Ubuntu 18.04 (JetPack 4) cannot run the agent: use a newer system, or a container of one, or a board with JetPack 5 or later"
  fi
}

check_tools() {
  for tool in curl tar gzip sha256sum runuser useradd; do
    command -v "$tool" >/dev/null || fail "the command $tool is missing: install it first"
  done
}

make_user_and_folders() {
  if ! id -u "$user" >/dev/null 2>&1; then
    useradd --system --user-group --no-create-home --home-dir "$data" --shell /usr/sbin/nologin "$user"
    made_user=yes
  fi
  # vcgencmd (clocks, throttling and power of a Raspberry Pi) is for the group video, power meters on the bus for i2c.
  for group in video i2c; do
    if getent group "$group" >/dev/null; then usermod -aG "$group" "$user"; fi
  done
  [ -d "$home" ] || made_home=yes
  [ -d "$data" ] || made_data=yes
  mkdir -p "$home/bin" "$versions" "$data"
  # The agent updates itself, so the versions are its own; what root runs (bin) is not.
  chown "$user:$user" "$versions" "$data"
  chmod 700 "$data"
}

# From the coordinator and nobody else: its public key is what it is known by, and only where it has none authorities are.
get() {
  if [ -n "$pin" ]; then
    curl -fsSk --pinnedpubkey "$pin" --retry 3 -o "$2" "$1"
  else
    curl -fsS --retry 3 -o "$2" "$1"
  fi
}

# Downloads a file that the coordinator serves under /install, and compares it with the SHA-256 that it names.
download() {
  for file in "$1" "$1.sha256"; do
    get "$server/install/$file" "$work/$file" ||
      fail "$server/install/$file cannot be downloaded: curl says why above (error 503: the log of the coordinator does; 23: is the disk full?)"
  done
  (cd "$work" && sha256sum -c --status "$1.sha256") || fail "$1 was damaged on its way: try again"
}

# A Node.js that every user may run and that is new enough, or nothing.
usable_node() {
  found=$(readlink -f "$(command -v node)" 2>/dev/null) || return 0
  case $found in /root/* | /home/* | "$home"/*) return 0 ;; esac
  major=$("$found" -p 'process.versions.node.split(".")[0]' 2>/dev/null) || return 0
  if [ "$major" -ge 20 ]; then printf '%s' "$found"; fi
}

place_node() {
  node=$(usable_node)
  if [ -n "$node" ]; then
    ln -sfn "$node" "$home/bin/node"
  elif [ -L "$home/bin/node" ] || [ ! -x "$home/bin/node" ]; then
    say 'There is no Node.js 20 or later here: the agent gets one of its own'
    download "node-linux-$arch.tgz"
    tar -xzf "$work/node-linux-$arch.tgz" -C "$work" package/bin/node
    install -m 755 "$work/package/bin/node" "$home/bin/node.new"
    mv -f "$home/bin/node.new" "$home/bin/node"
    rm -rf "$work/package" "$work/node-linux-$arch.tgz"
    "$home/bin/node" --version >/dev/null || fail 'the Node.js of the coordinator does not run here'
  fi
}

place_agent() {
  bundle=agent-linux-$arch.tgz
  say 'Downloading the agent with ONNX Runtime (some 20 MB) …'
  download "$bundle"
  tar -xzf "$work/$bundle" -C "$work"
  version=$("$home/bin/node" -p "require('$work/package/package.json').version")
  release=$version-$(cut -c1-12 "$work/$bundle.sha256")
  [ -d "$versions/$release" ] || made_version=$versions/$release
  # What root installs and runs comes from here: what lies in the versions' folder the agent's user can change.
  cp -R "$work/package/install" "$work/scripts"
  chown -R "$user:$user" "$work/package"
  rm -rf "$versions/$release.new"
  mv -T "$work/package" "$versions/$release.new"
  if [ -n "$made_version" ]; then mv "$versions/$release.new" "$versions/$release"; else rm -rf "$versions/$release.new"; fi
}

as_user() {
  (cd / && runuser -u "$user" -- env EDGETUNE_AGENT_DATA_DIR="$data" "$home/bin/node" "$versions/$release/bin/edgetune-agent.js" "$@")
}

join() {
  if [ -n "$token" ]; then
    as_user join --server "$server" ${pin:+--pin "$pin"} --token "$token"
    used_token=yes
  elif [ ! -f "$data/enrolment.json" ]; then
    fail 'this board has not joined a fleet yet: --token is missing (the coordinator prints the whole line: edgetune device add NAME)'
  fi
}

switch_over() {
  for file in edgetune-agent.sh uninstall.sh grant-controls.sh; do
    install -m 755 "$work/scripts/$file" "$home/bin/$file.new"
    mv -f "$home/bin/$file.new" "$home/bin/$file"
  done
  if command -v systemctl >/dev/null; then
    mkdir -p "$(dirname "$unit")"
    install -m 644 "$work/scripts/edgetune-agent.service" "$unit"
    systemctl enable --quiet edgetune-agent.service
  fi
  rm -f "$versions/trial" "$versions/trial.started" "$versions/failed" "$versions/unreached" "$versions/previous"
  old=$(readlink "$versions/current" 2>/dev/null || true)
  ln -sfn "$release" "$versions/current.new"
  mv -Tf "$versions/current.new" "$versions/current"
  chown -h "$user:$user" "$versions/current"
  mkdir -p "$(dirname "$command")"
  ln -sfn "$home/bin/edgetune-agent.sh" "$command"
  if runs_systemd; then
    systemctl daemon-reload
    systemctl restart edgetune-agent.service
  fi
  # Only now is nothing of another version in use.
  for folder in "$versions"/*/; do
    folder=${folder%/}
    case ${folder##*/} in "$release" | "$old" | current) ;; *) rm -rf "$folder" ;; esac
  done
}

runs_systemd() { [ -d /run/systemd/system ]; }

report() {
  if ! runs_systemd; then
    say "Installed version $version. There is no systemd at work here: start the agent with"
    say ''
    say "  sudo $command run"
    return
  fi
  tries=0
  until "$command" status >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 30 ]; then
      say "Installed version $version; $name is not online yet: \"edgetune-agent status\" and \"journalctl -u edgetune-agent\" say more"
      return
    fi
    sleep 1
  done
  say "Installed version $version: $name is online. \"sudo edgetune-agent doctor\" says what it can measure and control"
}

undo() {
  code=$?
  trap - EXIT
  if [ -n "$work" ]; then rm -rf "$work"; fi
  if [ "$finished" = yes ]; then exit "$code"; fi
  if [ "$made_home" = yes ]; then
    if [ -f "$unit" ]; then
      systemctl disable --now --quiet edgetune-agent.service 2>/dev/null || true
      rm -f "$unit"
    fi
    rm -rf "$command" "$home"
  elif [ -n "$made_version" ] && [ "$(readlink "$versions/current")" != "$release" ]; then
    rm -rf "$made_version" "$made_version.new"
  fi
  if [ "$made_data" = yes ]; then rm -rf "$data"; fi
  if [ "$made_user" = yes ]; then userdel "$user"; fi
  say 'Nothing was installed; the board is as it was.' >&2
  # What it was exchanged for went with the data.
  if [ "$used_token" = yes ] && [ "$made_data" = yes ]; then
    say 'The token is used up: make another on the coordinator (edgetune device add NAME --renew)' >&2
  fi
  exit "$code"
}

# The script comes through a pipe: it is read whole before it begins, and nothing that it starts reads the rest.
main "$@" </dev/null
