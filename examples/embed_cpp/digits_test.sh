#!/usr/bin/env bash
# digits_test.sh PROGRAM: it tells the sample's digits as TensorFlow does, and says what is wrong with a model.
set -euo pipefail
digits=tests/models/digits
fail() { echo "$*" >&2; exit 1; }

pictures=$TEST_TMPDIR/pictures.raw
tail -c +129 "$digits/sample_image.npy" >"$pictures" # Behind numpy's header.
told=$("$1" "$digits/frozen.pb" "$pictures")
[[ $told == $'8\n8\n6' ]] || fail "told: $told"

if message=$("$1" "$digits/missing.pb" "$pictures" 2>&1); then fail 'a missing model is no failure'; fi
[[ $message == "embed_"*": '$digits/missing.pb' does not exist"* ]] || fail "says: $message"
