#!/bin/bash
# venv.sh DIR REQUIREMENTS: makes the virtual environment DIR with what REQUIREMENTS
# pins, and DIR/ready when it is whole. PYTHON names the interpreter.
set -euo pipefail

dir="$1" requirements="$2"
python="$(command -v "${PYTHON:-python3}")" || {
  echo "There is no ${PYTHON:-python3}. Install Python 3.10 or newer, or name one: make PYTHON=/path/to/python3 ..." >&2
  exit 1
}

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "$python can't make virtual environments. Install its venv module (Debian: sudo apt-get install python3-venv) and try again." >&2
    exit 1
  fi
  "$(dirname "$0")/need.sh" /no/venv=python3-venv
  "$python" -c 'import ensurepip, venv' 2>/dev/null || {
    echo "python3-venv is installed, but $python is not Debian's own Python. Name another: make PYTHON=/usr/bin/python3 ..." >&2
    exit 1
  }
fi

# An environment of another interpreter is of no use.
if [ "$(cat "$dir/made-with" 2>/dev/null)" != "$python" ]; then
  rm -rf "$dir"
fi
rm -f "$dir/ready"
if [ ! -e "$dir/made-with" ]; then
  echo "making $dir with $python"
  "$python" -m venv "$dir"
  echo "$python" >"$dir/made-with"
fi
echo "installing $requirements into $dir"
"$dir/bin/python" -m pip install --quiet --disable-pip-version-check --no-input -r "$requirements"
touch "$dir/ready"
