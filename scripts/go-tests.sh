#!/bin/bash
# go-tests.sh PACKAGE...: go test's JSON for all of them, the rooms before the
# end-to-end tests. Arguments for go test: GO_TEST_FLAGS. In the full form the rooms
# run once more, in their short form, under the race detector.
#
# The end-to-end tests measure times and have the machine for themselves: they come
# last, one package at a time, and their result is never taken from the cache.
set -euo pipefail

packages="$(go list "$@")"
mapfile -t rooms < <(grep -v '^fender/e2e' <<<"$packages" || true)
mapfile -t e2e < <(grep '^fender/e2e' <<<"$packages" || true)
read -ra flags <<<"${GO_TEST_FLAGS:-}"

code=0
if [ ${#rooms[@]} -gt 0 ]; then
  go test -json "${flags[@]}" "${rooms[@]}" || code=1
fi
if [ ${#rooms[@]} -gt 0 ] && [ -n "${FENDER_FULL:-}" ] && [ -n "${FENDER_RACE_BIN:-}" ]; then
  FENDER_FULL='' CGO_ENABLED=1 go test -json -race "${flags[@]}" "${rooms[@]}" || code=1
fi
if [ ${#e2e[@]} -gt 0 ]; then
  go test -json "${flags[@]}" -count=1 -p 1 "${e2e[@]}" || code=1
fi
exit $code
