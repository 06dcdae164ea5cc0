#!/bin/sh
# What only root may do by default and the agent needs to control clocks and read the processor's energy counters:
# `grant` gives these files of /sys to the agent's group until the next start of the board, `revoke` gives them back.
set -u

case ${1:-} in
  grant) group=edgetune-agent clocks=g+w counters=g+r ;;
  revoke) group=root clocks=g-w counters=g-r ;;
  *)
    echo 'usage: grant-controls.sh grant|revoke' >&2
    exit 2
    ;;
esac

set_files() {
  mode=$1
  shift
  for file in "$@"; do
    if [ -f "$file" ]; then chgrp "$group" "$file" && chmod "$mode" "$file"; fi
  done
}

cpufreq=/sys/devices/system/cpu/cpufreq
set_files "$clocks" "$cpufreq"/policy*/scaling_governor "$cpufreq"/policy*/scaling_min_freq \
  "$cpufreq"/policy*/scaling_max_freq
set_files "$counters" /sys/class/powercap/intel-rapl:*/energy_uj
# A board without these files, or whose kernel refuses, is measured as it is.
exit 0
