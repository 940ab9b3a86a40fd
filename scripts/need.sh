#!/bin/bash
# need.sh WHAT=PACKAGE...: installs each Debian package whose WHAT is not there.
#
# WHAT is a program in PATH, or a file when it has a slash. As root with apt the
# package is installed. Else one line says what is missing, and the exit code is 1.
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin"

missing=()
for pair in "$@"; do
  what="${pair%=*}"
  case "$what" in
    */*) [ -e "$what" ] || missing+=("${pair##*=}") ;;
    *) command -v "$what" >/dev/null || missing+=("${pair##*=}") ;;
  esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing: ${missing[*]} (Debian: sudo apt-get install ${missing[*]})" >&2
  exit 1
fi
echo "installing ${missing[*]}" >&2
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# A package that brings a service (nginx) must not start it: policy-rc.d is Debian's way to say so.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f "$log" /usr/sbin/policy-rc.d' EXIT
fi
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
  tail -n 20 "$log" >&2
  echo "apt-get could not install ${missing[*]}; its last lines are above" >&2
  exit 1
fi
