#!/bin/sh
# Two processes must print the same digests.
set -eu
program=$1
shift
"$program" "$@" > "$TEST_TMPDIR/first"
"$program" "$@" > "$TEST_TMPDIR/second"
test "$(wc -l < "$TEST_TMPDIR/first")" -gt 1000
cmp "$TEST_TMPDIR/first" "$TEST_TMPDIR/second"
