#!/bin/bash
# test.sh PACKAGE...: the example site's tests, then Go's, then the slowest ten.
# `make test` calls it with everything built and installed.
#
# What the tests find in their environment, all absolute:
#   FENDER_BIN        the binary that is shipped
#   FENDER_RACE_BIN   the same with the race detector (unset when there is no C compiler)
#   FENDER_VENV       a virtual environment with the example site's Django
#   FENDER_TEST_VENV  the same, and what only tests need (e2e/requirements.txt)
#   FENDER_LAB_VENV   a virtual environment with the lab's servers, gunicorn and uWSGI
#   FENDER_SITE       examples/django
#   FENDER_FULL       1 when the long forms are asked for
set -euo pipefail
cd "$(dirname "$0")/.."

ci="${CI:-}"
export GO_TEST_FLAGS="-timeout=15m"
[ -z "${FENDER_FULL:-}" ] || GO_TEST_FLAGS="-timeout=8h"
# A result from the cache says nothing about this machine.
[ -z "$ci" ] || GO_TEST_FLAGS+=" -count=1"

export FENDER_BIN="$PWD/bin/fender"
export FENDER_VENV="$PWD/.venv"
export FENDER_TEST_VENV="$PWD/.venv-test"
export FENDER_LAB_VENV="$PWD/.venv-lab"
export FENDER_SITE="$PWD/examples/django"

# The race detector is the only thing here that needs a C compiler.
unset FENDER_RACE_BIN
if scripts/need.sh gcc=gcc /usr/include/stdlib.h=libc6-dev; then
  echo "building bin/fender-race"
  CGO_ENABLED=1 go build -race -buildvcs=false -o bin/fender-race ./cmd/fender
  export FENDER_RACE_BIN="$PWD/bin/fender-race"
elif [ -n "$ci" ]; then
  echo "CI skips nothing, and the race detector needs a C compiler" >&2
  exit 1
else
  echo "skipped: the race detector (no C compiler); the tests run bin/fender instead" >&2
fi

# fender siege is compared with siege itself.
if ! scripts/need.sh siege=siege; then
  if [ -n "$ci" ]; then
    echo "CI skips nothing, and fender siege is compared with siege" >&2
    exit 1
  fi
  echo "skipped: the comparison of fender siege with siege" >&2
fi

# The master's system calls for each request are counted.
if ! scripts/need.sh strace=strace; then
  if [ -n "$ci" ]; then
    echo "CI skips nothing, and system calls are counted with strace" >&2
    exit 1
  fi
  echo "skipped: the count of system calls" >&2
fi

echo "the example site's own tests"
EXAMPLE_VAR=build/site EXAMPLE_DB=build/site/test.sqlite3 \
  .venv-test/bin/python -W error examples/django/manage.py test demo --verbosity 0

mkdir -p build/tools
go build -C tools -buildvcs=false -o "$PWD/build/tools/gotestsum" gotest.tools/gotestsum

code=0
build/tools/gotestsum --format pkgname-and-test-fails --format-hide-empty-pkg --format-icons text \
  --jsonfile build/test.json --raw-command -- scripts/go-tests.sh "$@" 2>&1 | tee build/test.txt || code=$?

echo
echo "the slowest ten:"
build/tools/gotestsum tool slowest --num 10 --threshold 0s --jsonfile build/test.json | sed 's/^/  /'
# gotestsum's own closing line once more, so that the last line says how it went.
echo
grep '^DONE ' build/test.txt | tail -n 1 || true
exit $code
